// Package adapter is one adaptation as a file of a few kilobytes, `haguruma-adapter/1`: what the experts were asked for, the classifier, the
// names of the classes, the weights that fine-tuning has changed, and where all of it came from. Another tab, terminal or edge node that has the
// same bundle loads it and gives the same answers, bit for bit.
//
// Floor 4: pure data, and the arithmetic that gives a head its meaning; no task, no storage, no clock. Files are strictly
// read: what is not understood, does not fit together, is not finite or is not what the sum of the content says is an error that names the
// place, and memory is bounded by what the file holds. Read [Adapter] first; docs/FORMAT.md has the format.
package adapter

import "errors"

// Why an adapter is refused. Errors of [Decode] wrap one of these or of package tensorfile; those of [Adapter.Encode] the first three.
var (
	ErrFormat   = errors.New("not a haguruma adapter")                        // not of this format, or its parts do not fit together
	ErrNumbers  = errors.New("not finite")                                    // NaN or infinity
	ErrTooLarge = errors.New("too large for an adapter")                      // over a limit of this package
	ErrEdited   = errors.New("not what was written")                          // the content has another sum
	ErrBundle   = errors.New("made for another bundle")                       // For
	ErrExperts  = errors.New("made with other experts")                       // For
	ErrUnsigned = errors.New("not signed")                                    // Trust, where a signature is required
	ErrSigner   = errors.New("signed by somebody else")                       // Trust, where a key is required
	ErrForged   = errors.New("the signature is not that of the key it names") // Trust
)

// clip shortens what a hostile file holds for an error message.
func clip(text string) string {
	if len(text) > 80 {
		return text[:80] + "..."
	}
	return text
}
