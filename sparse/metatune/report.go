package metatune

import (
	"fmt"
	"strings"
)

// Markdown is the rows as one table a role, methods side by side, and the
// paired differences of every method against the first.
func Markdown(rows []Row) string {
	var methods []string
	type cell struct {
		role, set string
		way, shot int
	}
	var order []cell
	byCell := map[cell]map[string]Row{}
	for _, r := range rows {
		c := cell{r.Role, r.Set, r.Way, r.Shot}
		if byCell[c] == nil {
			byCell[c] = map[string]Row{}
			order = append(order, c)
		}
		byCell[c][r.Method] = r
		known := false
		for _, m := range methods {
			known = known || m == r.Method
		}
		if !known {
			methods = append(methods, r.Method)
		}
	}
	var b strings.Builder
	b.WriteString("| role | set | task |")
	for i, m := range methods {
		fmt.Fprintf(&b, " %s |", m)
		if i > 0 {
			b.WriteString(" difference |")
		}
	}
	b.WriteString("\n|---|---|---|")
	b.WriteString(strings.Repeat("---|", max(0, 2*len(methods)-1)))
	b.WriteString("\n")
	for _, c := range order {
		fmt.Fprintf(&b, "| %s | %s | %s |", c.role, c.set, Setting{c.way, c.shot})
		for i, m := range methods {
			r, ok := byCell[c][m]
			if !ok {
				b.WriteString(" |")
				if i > 0 {
					b.WriteString(" |")
				}
				continue
			}
			fmt.Fprintf(&b, " %.2f ± %.2f |", r.Mean, r.Interval)
			if i > 0 {
				fmt.Fprintf(&b, " %+.2f ± %.2f |", r.Diff, r.DiffInterval)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
