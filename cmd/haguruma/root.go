package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // the work could not be done
	exitUsage   = 2 // the command line does not say what to do
)

// usageError is a command line that asks for nothing that can be done.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// reportedError ends a verb that has already said what went wrong.
type reportedError struct{ error }

// app is what the verbs share.
type app struct {
	stdout, stderr io.Writer
	quiet          bool
	started        bool // a verb's own code has begun: what fails from here on is no usage error by itself
}

// run is the whole program: it executes args and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var usage usageError
	var reported reportedError
	switch {
	case errors.As(err, &reported):
		return exitFailure
	case errors.As(err, &usage) || !a.started:
		fmt.Fprintf(stderr, "%s: %v\nremedy: run %q\n", command.CommandPath(), err, command.CommandPath()+" --help")
		return exitUsage
	}
	fmt.Fprintf(stderr, "%s: %v\n", command.CommandPath(), err)
	if hint := remedy(err); hint != "" {
		fmt.Fprintf(stderr, "remedy: %s\n", hint)
	}
	return exitFailure
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "haguruma",
		Short: "Few-shot image classification that stays on your device",
		Long: `haguruma turns a handful of labelled pictures into a classifier, on this machine
and nowhere else: no verb but remote sends anything over the network, and serve
listens on localhost unless told otherwise.

Exit codes: 0 done, 1 the work could not be done, 2 the command line is wrong.
Results go to stdout, progress and complaints to stderr.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			a.started = true
		},
	}
	root.SetVersionTemplate("haguruma {{.Version}}\n")
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress on stderr")
	root.AddCommand(
		a.pretrainCommand(), a.metatuneCommand(), a.evalCommand(), a.adaptCommand(), a.classifyCommand(), a.historyCommand(), a.rollbackCommand(),
		a.journalCommand(), a.keyCommand(), a.inspectCommand(), a.importCommand(), a.exportCommand(), a.remoteCommand(), a.serveCommand(), a.benchCommand(), a.versionCommand(),
	)
	return root
}

// writeJSON prints one value for a program to read.
func (a *app) writeJSON(value any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// exclusive is a usage error when more than one of the named flags is set.
func exclusive(command *cobra.Command, names ...string) error {
	first := ""
	for _, name := range names {
		if !command.Flags().Changed(name) {
			continue
		}
		if first != "" {
			return usagef("--%s and --%s do not go together", first, name)
		}
		first = name
	}
	return nil
}
