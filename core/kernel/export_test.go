package kernel

import "testing"

// eachBody runs f once on every float body this machine can run.
func eachBody(t *testing.T, f func(t *testing.T)) {
	old := active
	defer func() { active = old }()
	for _, b := range bodies {
		if b.available != nil && !b.available() {
			continue
		}
		active = b
		t.Run(b.name, f)
	}
}
