package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"haguruma/core/tensorfile"
)

// remoteFlags are those of every verb that speaks to an endpoint.
type remoteFlags struct {
	url, tokenFile, task string
	asJSON               bool
}

func (f *remoteFlags) add(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&f.url, "url", "", "address of the endpoint (default: $HAGURUMA_URL)")
	flags.StringVar(&f.tokenFile, "token-file", "", "file with the token (default: $HAGURUMA_TOKEN)")
	flags.StringVarP(&f.task, "task", "t", "", "name of the task at the endpoint")
}

// needsTask is a usage error without --task.
func (f *remoteFlags) needsTask() error {
	if f.task == "" {
		return usagef("--task is missing: the name of a task at the endpoint, as haguruma remote adapt prints it")
	}
	return nil
}

func (a *app) remoteCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "remote",
		Short: "Learn and classify at an endpoint of haguruma, the same as here",
		Long: `remote is the one verb that opens a connection: to the endpoint that --url or
$HAGURUMA_URL names, with the token in $HAGURUMA_TOKEN or --token-file, over https,
or over http to this machine.

Pictures are sent as the squares that the endpoint's bundle sees, so they may be larger
here than what it takes, and the answers are those of the files to the bit. The endpoint
keeps none of them: what it keeps is adapters, versions and a journal.`,
		Example: `  haguruma remote adapt castings/
  haguruma remote classify --task 01fd... new/ --csv > result.csv
  haguruma remote get --task 01fd... -o castings.safetensors
  haguruma remote put --task castings castings.safetensors`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usagef("what is to be done at the endpoint? adapt, classify, get, put, history, rollback, journal or delete")
		},
	}
	command.AddCommand(
		a.remoteAdaptCommand(), a.remoteClassifyCommand(), a.remoteGetCommand(), a.remotePutCommand(), a.remoteHistoryCommand(), a.remoteRollbackCommand(),
		a.remoteJournalCommand(), a.remoteDeleteCommand(),
	)
	return command
}

// remoteVerb is a verb about one task.
func (a *app) remoteVerb(use, short string, args cobra.PositionalArgs, run func(ctx context.Context, e *endpoint, f remoteFlags, args []string) error) (*cobra.Command, *remoteFlags) {
	f := &remoteFlags{}
	command := &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(command *cobra.Command, args []string) error {
			if err := f.needsTask(); err != nil {
				return err
			}
			e, err := f.open()
			if err != nil {
				return err
			}
			return run(command.Context(), e, *f, args)
		},
	}
	f.add(command)
	return command, f
}

// count of arguments, as a usage error.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("want %s, have %d", what, len(args))
		}
		return nil
	}
}

func (a *app) remoteGetCommand() *cobra.Command {
	var out string
	var version int
	command, _ := a.remoteVerb("get --task NAME -o FILE", "Bring the adapter of a task here", exactly(0, "no argument"),
		func(ctx context.Context, e *endpoint, f remoteFlags, _ []string) error {
			if out == "" {
				return usagef("--out is missing: the file to write")
			}
			path := "/v1/adapters/" + url.PathEscape(f.task)
			if version > 0 {
				path += "?version=" + strconv.Itoa(version)
			}
			data, _, err := e.do(ctx, http.MethodGet, path, nil, "", nil)
			if err != nil {
				return err
			}
			if err := tensorfile.WriteFile(out, data); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s: %d bytes\n", printable(out), len(data))
			return err
		})
	command.Flags().StringVarP(&out, "out", "o", "", "adapter file to write")
	command.Flags().IntVar(&version, "version", 0, "a version (default: the one in use)")
	return command
}

func (a *app) remotePutCommand() *cobra.Command {
	var asNew bool
	command, _ := a.remoteVerb("put --task NAME FILE", "Take an adapter into use at the endpoint, as the next version of a task or as a new task", exactly(1, "one adapter file"),
		func(ctx context.Context, e *endpoint, f remoteFlags, args []string) error {
			if _, err := loadAdapter(args[0]); err != nil {
				return err
			}
			data, err := tensorfile.ReadFile(args[0], maxRemote)
			if err != nil {
				return err
			}
			headers := http.Header{}
			if asNew {
				headers.Set("If-None-Match", "*")
			}
			var r struct {
				Version int `json:"version"`
			}
			if err := e.json(ctx, http.MethodPut, "/v1/adapters/"+url.PathEscape(f.task), headers, "application/octet-stream", data, &r); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s: version %d is in use\n", printable(f.task), r.Version)
			return err
		})
	command.Flags().BoolVar(&asNew, "new", false, "only if there is no task of that name")
	return command
}

func (a *app) remoteHistoryCommand() *cobra.Command {
	command, f := a.remoteVerb("history --task NAME", "List the versions of a task, and which is in use", exactly(0, "no argument"),
		func(ctx context.Context, e *endpoint, f remoteFlags, _ []string) error {
			var r struct {
				Task remoteTask `json:"task"`
			}
			if err := e.json(ctx, http.MethodGet, "/v1/tasks/"+url.PathEscape(f.task), nil, "", nil, &r); err != nil {
				return err
			}
			if f.asJSON {
				return a.writeJSON(r.Task)
			}
			return a.writeHistory(r.Task)
		})
	command.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	return command
}

func (a *app) remoteRollbackCommand() *cobra.Command {
	command, _ := a.remoteVerb("rollback --task NAME [VERSION]", "Take another version of a task into use, bit for bit as it was", cobra.MaximumNArgs(1),
		func(ctx context.Context, e *endpoint, f remoteFlags, args []string) error {
			body := "{}"
			if len(args) == 1 {
				n, err := strconv.Atoi(args[0])
				if err != nil || n < 0 {
					return usagef("version %q: want a number of haguruma remote history, or 0 for the backbone alone", args[0])
				}
				body = fmt.Sprintf(`{"version":%d}`, n)
			}
			var r struct {
				Version int `json:"version"`
				Was     int `json:"was"`
			}
			if err := e.json(ctx, http.MethodPost, "/v1/tasks/"+url.PathEscape(f.task)+"/rollback", nil, "application/json", []byte(body), &r); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.stdout, "%s: version %d is in use, it was version %d\n", printable(f.task), r.Version, r.Was)
			return err
		})
	return command
}

func (a *app) remoteJournalCommand() *cobra.Command {
	command, _ := a.remoteVerb("journal --task NAME", "Print the journal of a task, as haguruma journal verify reads it", exactly(0, "no argument"),
		func(ctx context.Context, e *endpoint, f remoteFlags, _ []string) error {
			data, _, err := e.do(ctx, http.MethodGet, "/v1/journal/"+url.PathEscape(f.task), nil, "", nil)
			if err == nil {
				_, err = a.stdout.Write(data)
			}
			return err
		})
	return command
}

func (a *app) remoteDeleteCommand() *cobra.Command {
	command, _ := a.remoteVerb("delete --task NAME", "Remove a task with all its versions; its journal stays", exactly(0, "no argument"),
		func(ctx context.Context, e *endpoint, f remoteFlags, _ []string) error {
			if _, _, err := e.do(ctx, http.MethodDelete, "/v1/adapters/"+url.PathEscape(f.task), nil, "", nil); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.stdout, "%s: removed\n", printable(f.task))
			return err
		})
	return command
}
