package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

const (
	defaultPort = "8080"
	portsToTry  = 20 // from the default port upward, when none was asked for
)

func (a *app) serveCommand() *cobra.Command {
	var addr string
	var asJSON, list bool
	command := &cobra.Command{
		Use:   "serve [FOLDER]",
		Short: "Serve the page on localhost",
		Long: `serve hands out the files of a folder (default: www) over HTTP, with the content
security policy and the other headers that the page is made for, and with
FILE.br or FILE.gz where a browser takes them. It only reads, only below that
folder, and ends on Ctrl-C.

It listens on localhost: port $PORT or 8080, or the next free one. --addr names
another address; one that other machines can reach is said so on stderr.

The page works without a network after one visit: its service worker keeps what
files.json names, which serve makes of the folder as it is. Other hosts need it
as a file: --list prints it.`,
		Example: "  haguruma serve\n  PORT=9000 haguruma serve www\n  haguruma serve --addr 0.0.0.0:8080 www\n  haguruma serve --list www >www/files.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			folder := "www"
			if len(args) == 1 {
				folder = args[0]
			}
			if list {
				return a.printList(folder)
			}
			listener, err := listen(command.Context(), addr)
			if err != nil {
				return err
			}
			defer listener.Close()
			return a.serve(command.Context(), folder, listener, asJSON)
		},
	}
	command.Flags().StringVar(&addr, "addr", "", "address to listen on, host:port (default: localhost:$PORT or localhost:8080)")
	command.Flags().BoolVar(&list, "list", false, "print files.json for the folder, and serve nothing")
	command.Flags().BoolVar(&asJSON, "json", false, "print where it listens as JSON")
	return command
}

// printList prints files.json of a folder.
func (a *app) printList(folder string) error {
	files, err := openSite(folder)
	if err != nil {
		return err
	}
	defer files.Close()
	text, err := files.list()
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(text)
	return err
}

// listen takes addr, or the first free port of localhost from $PORT or the
// default upward.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	if addr != "" {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return nil, usagef("--addr %q: want host:port", addr)
		}
		return config.Listen(ctx, "tcp", addr)
	}
	text := os.Getenv("PORT")
	if text == "" {
		text = defaultPort
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return nil, usagef("PORT=%q: want a number from 0 to 65535", text)
	}
	for last := min(port+portsToTry, 65535); ; port++ {
		listener, err := config.Listen(ctx, "tcp", net.JoinHostPort("localhost", strconv.Itoa(port)))
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) || port >= last {
			return listener, err
		}
	}
}

func (a *app) serve(ctx context.Context, folder string, listener net.Listener, asJSON bool) error {
	files, err := openSite(folder)
	if err != nil {
		return err
	}
	defer files.Close()
	if _, err := os.Stat(filepath.Join(folder, "index.html")); err != nil {
		fmt.Fprintf(a.stderr, "haguruma serve: %s has no index.html\n", folder)
	} else if _, err := os.Stat(filepath.Join(folder, "engine.wasm")); err != nil {
		fmt.Fprintf(a.stderr, "haguruma serve: %s has no engine.wasm; build it with ./build.sh build\n", folder)
	}
	at := listener.Addr().(*net.TCPAddr)
	if !at.IP.IsLoopback() {
		fmt.Fprintf(a.stderr, "haguruma serve: %v can be reached from other machines\n", at)
	}
	host := at.IP.String()
	if at.IP.IsLoopback() || at.IP.IsUnspecified() {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, strconv.Itoa(at.Port)) + "/"
	if asJSON {
		err = a.writeJSON(map[string]string{"url": url, "folder": folder})
	} else {
		_, err = fmt.Fprintf(a.stdout, "serving %s on %s (Ctrl-C ends it)\n", folder, url)
	}
	if err != nil {
		return err
	}

	server := &http.Server{Handler: files, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 16}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		return server.Close()
	}
	return nil
}
