package fewshot

import "errors"

// Errors returned, wrapped with the place and the numbers, for data this package cannot use.
var (
	// ErrFormat: not a directory, a zip or a description this package reads; wrong or damaged input.
	ErrFormat = errors.New("unsupported or damaged format")
	// ErrTruncated: the input ends before what it announces.
	ErrTruncated = errors.New("truncated")
	// ErrTooLarge: an entry is larger than MaxImageBytes, or claims more than its bytes can hold.
	ErrTooLarge = errors.New("too large")
	// ErrEncrypted: a zip entry is encrypted.
	ErrEncrypted = errors.New("encrypted")
	// ErrPath: a name that leaves its folder (absolute, "..", backslash) or is not UTF-8 text.
	ErrPath = errors.New("unsafe path")
	// ErrDuplicate: the same name twice where each must be unique.
	ErrDuplicate = errors.New("duplicate name")
	// ErrNoClass: no <class>/<image> anywhere.
	ErrNoClass = errors.New("no class folder with images")
	// ErrEmptyClass: a class folder without an image.
	ErrEmptyClass = errors.New("class without images")
	// ErrUnknown: a set, class, image or split that is not there.
	ErrUnknown = errors.New("unknown name")
	// ErrGuard: the class list asked for must not be used that way (training on test classes).
	ErrGuard = errors.New("refused: these classes are kept apart")
	// ErrEpisode: way, shot or queries that no episode can have.
	ErrEpisode = errors.New("impossible episode")
	// ErrTooFewClasses: fewer than two classes with enough images for an episode.
	ErrTooFewClasses = errors.New("too few classes")
	// ErrUnpaired: two accuracies that were not measured on the same episodes.
	ErrUnpaired = errors.New("not paired")
)
