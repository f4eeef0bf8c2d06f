package metatune

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown is the report as one table a setting, each group's mean above its
// sets, and one of the routing for methods that have any.
func (r *SuiteReport) Markdown() string {
	var b strings.Builder
	for _, at := range r.settings {
		fmt.Fprintf(&b, "### %s\n\n", capital(at.String()))
		header := []string{"set", "ways"}
		for _, m := range r.methods {
			header = append(header, m)
			if r.differs(m) {
				header = append(header, "difference")
			}
		}
		writeHeader(&b, header, 2)
		for _, g := range r.Groups {
			writeRow(&b, append([]string{fmt.Sprintf("**%s**, mean of %d", g.Name, len(g.Sets)), ""}, r.numbers(at, g.Name, "")...))
			for _, set := range g.Sets {
				// The sets of the group within are shown there.
				if r.inLater(g.Name, set) {
					continue
				}
				writeRow(&b, append([]string{set, r.ways(at, set)}, r.numbers(at, "", set)...))
			}
		}
		b.WriteString("\n")
	}
	against := r.Baseline
	if r.Against != "" {
		against += " in " + r.Against
	}
	fmt.Fprintf(&b, "Accuracy in per cent: mean and half-width of the 95%% interval over %d episodes, seed %d, split %s, ", r.Episodes, r.Seed, r.Split)
	if r.PerClass > 0 {
		fmt.Fprintf(&b, "the first %d pictures of each class. ", r.PerClass)
	} else {
		b.WriteString("all pictures. ")
	}
	fmt.Fprintf(&b, "Differences are paired, on the same episodes, against %s. Sets count alike in the mean of a group; its interval is over episodes, the sets are taken as given.\n", against)
	if slices.ContainsFunc(r.Groups, func(g GroupReport) bool { return g.Name == Industrial }) {
		fmt.Fprintf(&b, "The %s sets are among the %s ones.\n", Industrial, OutOfDistribution)
	}
	for _, m := range r.methods {
		r.routing(&b, m)
	}
	r.tuning(&b)
	return b.String()
}

// routing writes the table of one method's routing, if it is routed.
func (r *SuiteReport) routing(b *strings.Builder, method string) {
	begun := false
	for _, f := range r.Routing {
		if f.Method != method {
			continue
		}
		if !begun {
			begun = true
			fmt.Fprintf(b, "\n### Routing of %s\n\n", method)
			header := []string{"set", "task"}
			for m := range f.Scores {
				header = append(header, fmt.Sprintf("expert %d", m))
			}
			writeHeader(b, append(header, "entropy of the mean", "mean entropy", "different scores"), 2)
		}
		row := []string{f.Set, f.Setting.String()}
		for _, v := range f.Scores {
			row = append(row, fmt.Sprintf("%.3f", v))
		}
		writeRow(b, append(row, fmt.Sprintf("%.2f", f.EntropyOfMean), fmt.Sprintf("%.2f", f.MeanEntropy), fmt.Sprint(f.Kinds)))
	}
	if begun {
		b.WriteString("\nMean score of each expert over the episodes; entropies in nats, of that mean and mean over the episodes.\n")
	}
}

// tuning writes one table of all tuned methods, if there are any.
func (r *SuiteReport) tuning(b *strings.Builder) {
	if len(r.Tuning) == 0 {
		return
	}
	b.WriteString("\n### Tuning\n\n")
	writeHeader(b, []string{"set", "task", "method", "chosen", "numbers that could move", "weights changed", "seconds a task"}, 4)
	for _, f := range r.Tuning {
		var rates []string
		for _, c := range f.Rates {
			what := "nothing"
			if c.Rate > 0 {
				what = fmt.Sprintf("%g of %g", c.Part, c.Rate)
			}
			rates = append(rates, fmt.Sprintf("%s: %d", what, c.Episodes))
		}
		writeRow(b, []string{f.Set, f.Setting.String(), f.Method, strings.Join(rates, ", "), fmt.Sprint(f.Tuned), fmt.Sprintf("%.0f", f.Changed), fmt.Sprintf("%.2f", f.Seconds)})
	}
	b.WriteString("\nWeights changed and seconds are means over the episodes; what part of the change at which learning rate was chosen, and by how many episodes.\n")
}

// numbers are the cells of one row: of a group, or of a set.
func (r *SuiteReport) numbers(at Setting, group, set string) (cells []string) {
	for _, f := range r.Figures {
		if f.Setting != at || f.Group != group || f.Set != set {
			continue
		}
		cells = append(cells, fmt.Sprintf("%.2f ± %.2f", f.Accuracy.Mean, f.Accuracy.Interval))
		if f.Difference != nil {
			cells = append(cells, fmt.Sprintf("%+.2f ± %.2f", f.Difference.Mean, f.Difference.Interval))
		}
	}
	return cells
}

func (r *SuiteReport) ways(at Setting, set string) string {
	for _, f := range r.Figures {
		if f.Setting == at && f.Set == set && f.Ways > 0 {
			return fmt.Sprint(f.Ways)
		}
	}
	return varying
}

func (r *SuiteReport) differs(method string) bool {
	return slices.ContainsFunc(r.Figures, func(f Figure) bool { return f.Method == method && f.Difference != nil })
}

// inLater tells whether the set is in a group after the named one too.
func (r *SuiteReport) inLater(group, set string) bool {
	at := slices.IndexFunc(r.Groups, func(g GroupReport) bool { return g.Name == group })
	return slices.ContainsFunc(r.Groups[at+1:], func(g GroupReport) bool { return slices.Contains(g.Sets, set) })
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// writeHeader writes the head of a Markdown table, the first words columns
// aligned left and the others right.
func writeHeader(b *strings.Builder, cells []string, words int) {
	writeRow(b, cells)
	rule := make([]string, len(cells))
	for i := range rule {
		rule[i] = "---"
		if i >= words {
			rule[i] = "---:"
		}
	}
	writeRow(b, rule)
}

func writeRow(b *strings.Builder, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}
