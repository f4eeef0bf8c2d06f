package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haguruma/adapt/journal"
	"haguruma/adapt/store"
	"haguruma/core/tensorfile"
)

// maxJournal is half a million entries.
const maxJournal = 256 << 20

// journalEntry is one line, for --json.
type journalEntry struct {
	Entry   int                `json:"entry"`
	Time    string             `json:"time"`
	Kind    string             `json:"kind"`
	Bundle  string             `json:"bundle,omitempty"`
	Adapter string             `json:"adapter,omitempty"`
	Details map[string]rawJSON `json:"details,omitempty"`
	Hash    string             `json:"hash"` // of the line
}

// rawJSON is JSON already.
type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func (a *app) journalCommand() *cobra.Command {
	var asJSON, asCSV bool
	command := &cobra.Command{
		Use:   "journal TASK",
		Short: "Print the journal of a task; verify that nobody has changed it",
		Long: `journal prints what was done to a task, one line a step: what was added, removed and
relabelled, chosen and measured, taken into use and rolled back, with the time and the
adapter. Hashes are cut short in the table, not with --json and --csv. Each line has the
hash of the one before, so haguruma journal verify finds any later change and says in
which line.

TASK is the folder of a task, or a journal.jsonl from one.`,
		Example: `  haguruma journal castings.task
  haguruma journal castings.task --csv > journal.csv
  haguruma journal verify castings.task --adapter castings.safetensors`,
		Args: oneTask,
		RunE: func(command *cobra.Command, args []string) error {
			if err := exclusive(command, "json", "csv"); err != nil {
				return err
			}
			j, failed := readJournal(args[0])
			if j == nil {
				return failed
			}
			if err := a.printJournal(j, asJSON, asCSV); err != nil {
				return err
			}
			if failed != nil {
				return fmt.Errorf("%s: only the lines before it are printed: %w", args[0], failed)
			}
			return nil
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	command.Flags().BoolVar(&asCSV, "csv", false, "print CSV (UTF-8 with BOM, for spreadsheets)")
	command.AddCommand(a.journalVerifyCommand(), a.journalRestartCommand())
	return command
}

// readJournal reads the journal in a task's folder, held to the end that the task keeps, or a file, held to itself. The journal is nil when
// there is none to speak of.
func readJournal(path string) (*journal.Journal, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		folder, err := store.OpenFolder(path)
		if err != nil {
			return nil, err
		}
		j, err := store.ReadJournal(folder)
		if err != nil {
			err = taskError(path, err)
		}
		return j, err
	}
	data, err := tensorfile.ReadFile(path, maxJournal)
	if err != nil {
		return nil, err
	}
	j, err := journal.Read(data, journal.Chain{})
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return j, err
}

func (a *app) printJournal(j *journal.Journal, asJSON, asCSV bool) error {
	switch {
	case asCSV:
		_, err := a.stdout.Write(journal.CSV(j.Entries))
		return err
	case asJSON:
		list := []journalEntry{}
		for i := range j.Entries {
			e := &j.Entries[i]
			one := journalEntry{Entry: e.Number, Time: e.Time, Kind: string(e.Kind), Bundle: e.Bundle, Adapter: e.Adapter, Hash: j.Hashes[i]}
			for _, d := range e.Details {
				if one.Details == nil {
					one.Details = map[string]rawJSON{}
				}
				one.Details[d.Name] = rawJSON(d.JSON)
			}
			list = append(list, one)
		}
		return a.writeJSON(list)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ENTRY\tTIME (UTC)\tKIND\tADAPTER\tDETAILS")
	for i := range j.Entries {
		e := &j.Entries[i]
		fmt.Fprintf(w, "%d\t%s\t%s\t%.12s\t%s\n", e.Number, e.Time, e.Kind, e.Adapter, longHash.ReplaceAllString(e.Words(), "$1"))
	}
	return w.Flush()
}

// longHash finds hashes, which a table shows by their first twelve digits.
var longHash = regexp.MustCompile(`\b([0-9a-f]{12})[0-9a-f]{52}\b`)

// verified is what journal verify says, for --json.
type verified struct {
	Sound   bool   `json:"sound"`
	Entries int    `json:"entries"` // that are sound
	Head    string `json:"head"`    // hash of the last of them
	Line    int    `json:"line,omitempty"`
	Problem string `json:"problem,omitempty"`
}

func (a *app) journalVerifyCommand() *cobra.Command {
	var adapters []string
	var asJSON bool
	command := &cobra.Command{
		Use:   "verify TASK",
		Short: "Find any change that was made to a journal after it was written",
		Long: `verify holds each line of a journal to the hash in the next one, and the last to the
hash that the task keeps. It finds lines that were changed, taken out, put in or moved, says in
which line, and ends with 1.

Somebody who can write to the whole folder can write the whole journal anew. What they cannot
do is change the adapters that have left it: each has the hash of the last line of its day, and
--adapter holds the journal to that. Keep the hash that verify prints where nobody else writes.`,
		Example: "  haguruma journal verify castings.task\n  haguruma journal verify castings.task --adapter castings.safetensors",
		Args:    oneTask,
		RunE: func(_ *cobra.Command, args []string) error {
			j, err := readJournal(args[0])
			if j == nil {
				return err
			}
			for _, path := range adapters {
				if err != nil {
					break
				}
				loaded, failed := loadAdapter(path)
				if failed != nil {
					return failed
				}
				if loaded.Provenance.Journal == (journal.Chain{}) {
					return fmt.Errorf("%s: %w", path, errNoProvenance)
				}
				if _, err = j.Holds(loaded.Provenance.Journal); err != nil {
					err = fmt.Errorf("%s, as %s knows it: %w", args[0], path, err)
				}
			}
			var at *journal.Error
			if err != nil && !errors.As(err, &at) {
				return err
			}
			r := verified{Sound: err == nil, Entries: len(j.Entries), Head: j.Chain().Head}
			if at != nil {
				r.Line, r.Problem = at.Line, err.Error()
			}
			if asJSON {
				if failed := a.writeJSON(r); failed != nil {
					return failed
				}
				if err != nil {
					return reportedError{err}
				}
				return nil
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s: %s, every line as it was written\nlast line: sha256 %s\n", printable(args[0]), count(r.Entries, "entry", "entries"), r.Head)
			return err
		},
	}
	command.Flags().StringArrayVarP(&adapters, "adapter", "a", nil, "adapter `FILE` that came from this task; may be repeated")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

var errNoProvenance = errors.New("the adapter does not come from a task with a journal")

func (a *app) journalRestartCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restart TASK",
		Short: "Begin a new journal where the old one was changed or is gone",
		Long: `restart puts a journal that verify finds changed aside, as journal.broken.1 in the task's
folder, and begins a new one, so that the task can be gone on with. The first line says so,
with what was wrong and with the end that the old one should have had.`,
		Example: "  haguruma journal restart castings.task",
		Args:    oneTask,
		RunE: func(_ *cobra.Command, args []string) error {
			_, problem := readJournal(args[0])
			var at *journal.Error
			if problem == nil {
				return fmt.Errorf("%s: %w", args[0], errSound)
			} else if !errors.As(problem, &at) {
				return problem
			}
			folder, err := store.LockFolder(args[0])
			if err != nil {
				return err
			}
			defer folder.Close()
			if err := store.Restart(folder, now(), at.Error()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s: a new journal, the old one was put aside: %v\n", printable(args[0]), at)
			return err
		},
	}
}

var errSound = errors.New("the journal is sound, there is nothing to begin anew")
