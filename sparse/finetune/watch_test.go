package finetune

import "time"

// watch keeps the least of the times it measured.
type watch struct{ least time.Duration }

func (w *watch) time(do func()) {
	begin := time.Now()
	do()
	if spent := time.Since(begin); w.least == 0 || spent < w.least {
		w.least = spent
	}
}
