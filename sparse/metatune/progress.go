package metatune

// Progress is told how far long work has come: what is being done, how many
// of how many steps, and a short note such as the loss. It is called from
// several goroutines; nil is fine.
type Progress func(what string, done, total int, note string)

func (p Progress) report(what string, done, total int, note string) {
	if p != nil {
		p(what, done, total, note)
	}
}
