package adapt

import "errors"

// Codes of [Error], the same strings at the terminal, in JSON and in the page.
const (
	CodeTooFewClasses  = "too_few_classes" // Adapt with fewer than two classes
	CodeEmptyClass     = "empty_class"     // Adapt with a class that has no example
	CodeDuplicateClass = "duplicate_class" // a name that another class has
	CodeBadName        = "bad_name"        // empty, longer than MaxNameRunes, or not plain text
	CodeUnknownClass   = "unknown_class"   // no class of that id
	CodeUnknownExample = "unknown_example" // no example of that id
	CodeNotAdapted     = "not_adapted"     // classifying before the first Adapt
	CodeBadEmbedding   = "bad_embedding"   // wrong length, or not finite
	CodeNoPicture      = "no_picture"      // adapting with experts to an example that is an embedding only
	CodeContradiction  = "contradiction"   // one picture in two classes
	CodeUnknownVersion = "unknown_version" // no version of that number
	CodeNoPatches      = "no_patches"      // a heat map by an embedder that knows no patches
	CodeTakenID        = "taken_id"        // an id that another class or example has
	CodeBadVersion     = "bad_version"     // Recall of what is no version of the task
)

// Error is a refused call. The fields that do not apply are zero.
type Error struct {
	Code    string
	Message string // one sentence for a person, without the package's name and without a full stop
	Class   int    // id
	Name    string // of the class, as the user gave it
	Example int    // id
	Other   int    // id of a second example
}

func (e *Error) Error() string { return "adapt: " + e.Message }

// Is reports whether target is an *Error of the same Code, so errors.Is finds the sentinels below.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Sentinels for errors.Is; the errors returned carry the place and the numbers.
var (
	ErrTooFewClasses  error = &Error{Code: CodeTooFewClasses, Message: "too few classes"}
	ErrEmptyClass     error = &Error{Code: CodeEmptyClass, Message: "a class has no example"}
	ErrDuplicateClass error = &Error{Code: CodeDuplicateClass, Message: "the name is taken"}
	ErrBadName        error = &Error{Code: CodeBadName, Message: "not a name for a class"}
	ErrUnknownClass   error = &Error{Code: CodeUnknownClass, Message: "no such class"}
	ErrUnknownExample error = &Error{Code: CodeUnknownExample, Message: "no such example"}
	ErrNotAdapted     error = &Error{Code: CodeNotAdapted, Message: "not adapted yet"}
	ErrBadEmbedding   error = &Error{Code: CodeBadEmbedding, Message: "not an embedding of this backbone"}
	ErrNoPicture      error = &Error{Code: CodeNoPicture, Message: "an example without its picture"}
	ErrContradiction  error = &Error{Code: CodeContradiction, Message: "one picture in two classes"}
	ErrUnknownVersion error = &Error{Code: CodeUnknownVersion, Message: "no such version"}
	ErrNoPatches      error = &Error{Code: CodeNoPatches, Message: "no patches of this backbone"}
	ErrTakenID        error = &Error{Code: CodeTakenID, Message: "the id is taken"}
	ErrBadVersion     error = &Error{Code: CodeBadVersion, Message: "not a version of this task"}
)

// Code returns the code of the first [Error] in err's chain, or "" when there is none.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
