package main

import (
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haguruma/adapt/adapter"
	"haguruma/adapt/journal"
	"haguruma/adapt/store"
	"haguruma/core/tensorfile"
)

// taskVersion is one line of the history.
type taskVersion struct {
	Version  int          `json:"version"` // 0: the backbone alone
	Current  bool         `json:"current"`
	Adapter  *adapterInfo `json:"adapter,omitempty"`
	Classes  []classCount `json:"classes,omitempty"`
	Bytes    int          `json:"bytes,omitempty"`
	Problem  string       `json:"problem,omitempty"` // why its file cannot be read
	examples int
}

// oneTask is the Args of verbs about a task.
func oneTask(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("want the folder of one task, as haguruma adapt --task makes it; have %d", len(args))
	}
	return nil
}

func (a *app) historyCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "history TASK",
		Short: "List the versions of a task, and which is in use",
		Long: `history lists every adaptation that haguruma adapt --task took into use, the backbone
alone as version 0, and marks the one in use. haguruma rollback goes to any of them.`,
		Example: "  haguruma history castings.task\n  haguruma history castings.task --json",
		Args:    oneTask,
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := history(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return a.writeJSON(list)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "  VERSION\tTIME (UTC)\tCLASSES\tEXAMPLES\tLEFT OUT\tHEAD\tADAPTER")
			for _, v := range list {
				mark := " "
				if v.Current {
					mark = "*"
				}
				switch {
				case v.Version == 0:
					fmt.Fprintf(w, "%s 0\t-\t-\t-\t-\t-\tthe backbone alone\n", mark)
				case v.Problem != "":
					fmt.Fprintf(w, "%s %d\t-\t-\t-\t-\t-\t%s\n", mark, v.Version, v.Problem)
				default:
					left := "-"
					if v.Adapter.Total > 0 {
						left = fmt.Sprintf("%d/%d", v.Adapter.Hits, v.Adapter.Total)
					}
					head := v.Adapter.Head
					if v.Adapter.Views > 0 {
						head += " of views"
					}
					fmt.Fprintf(w, "%s %d\t%s\t%d\t%d\t%s\t%s\t%.12s\n", mark, v.Version, v.Adapter.Time, len(v.Classes), v.examples, left, head, v.Adapter.Content)
				}
			}
			return w.Flush()
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

func history(path string) ([]taskVersion, error) {
	folder, err := store.OpenFolder(path)
	if err != nil {
		return nil, taskError(path, err)
	}
	state, err := readTask(folder, path)
	if err != nil {
		return nil, err
	}
	list := []taskVersion{{Current: state.Current == 0}}
	for n := 1; n <= len(state.Versions); n++ {
		v := taskVersion{Version: n, Current: n == state.Current}
		loaded, data, err := versionOf(folder, path, state, n)
		if err != nil {
			v.Problem = err.Error()
			list = append(list, v)
			continue
		}
		info := describe(loaded)
		v.Adapter = &info
		for _, c := range loaded.Classes {
			v.Classes = append(v.Classes, classCount{c.Name, c.Examples})
			v.examples += c.Examples
		}
		v.Bytes = len(data)
		list = append(list, v)
	}
	return list, nil
}

func (a *app) rollbackCommand() *cobra.Command {
	var out string
	command := &cobra.Command{
		Use:   "rollback TASK [VERSION]",
		Short: "Take another version of a task into use, bit for bit as it was",
		Long: `rollback takes an earlier version of a task into use again, or a later one: the one
before the one in use unless a number is given; 0 is the backbone alone. Examples and
versions stay as they are, nothing is computed, and the journal has a line of it.`,
		Example: "  haguruma rollback castings.task\n  haguruma rollback castings.task 3 -o castings.safetensors",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("want the folder of a task, and the number of a version or none; have %d arguments", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			number := -1
			if len(args) == 2 {
				n, err := strconv.Atoi(args[1])
				if err != nil || n < 0 {
					return usagef("version %q: want a number of haguruma history, or 0 for the backbone alone", args[1])
				}
				number = n
			}
			return a.rollback(args[0], number, out)
		},
	}
	command.Flags().StringVarP(&out, "out", "o", "", "write the adapter of that version to this file too")
	return command
}

func (a *app) rollback(path string, number int, out string) error {
	folder, task, err := openTask(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	state := task.State()
	was := state.Current
	if number < 0 {
		if was == 0 {
			return fmt.Errorf("%s: there is no version before the backbone alone: %w", path, errNoVersion)
		}
		number = was - 1
	}
	var loaded *adapter.Adapter
	var data []byte
	entry := journal.Entry{Time: now(), Kind: journal.RolledBack, Bundle: state.Bundle, Details: []journal.Detail{journal.Integer("from", was), journal.Integer("to", number)}}
	if number > 0 { // it must be whole before it comes into use
		if loaded, data, err = versionOf(folder, path, state, number); err != nil {
			return err
		}
		entry.Adapter = loaded.Content
	} else if out != "" {
		return fmt.Errorf("%s: version 0 has no adapter to write: %w", path, errNoVersion)
	}
	if number != was {
		state.Current = number
		if err := task.Commit(state, entry); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("version %d", number)
	if number == 0 {
		what = "the backbone alone"
	}
	if number == was {
		fmt.Fprintf(a.stdout, "%s: %s is in use already\n", printable(path), what)
	} else {
		fmt.Fprintf(a.stdout, "%s: %s is in use, it was version %d\n", printable(path), what, was)
	}
	if out == "" {
		return nil
	}
	if err := tensorfile.WriteFile(out, data); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s: %d bytes\n", printable(out), len(data))
	return task.Commit(task.State(), exportedEntry(out, loaded))
}
