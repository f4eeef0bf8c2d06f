// Package adapt is one user's task: named classes, a handful of examples each, and the classifier made
// of them. Floor 5: the same behaviour for page, terminal and edge. It knows an [Embedder] and nothing of
// the network behind it, of files, of the browser or of time; it starts no goroutine.
//
// A [Task] keeps its examples as embeddings. [Task.Adapt] turns them into prototypes, one a class, and
// classification compares cosines with those: what is adapted stays in use, whatever is added or
// moved, until Adapt succeeds again. Every failed call leaves the task as it was.
//
// Errors are *[Error] with a stable Code for programs and a sentence for people; what an Embedder
// returns is wrapped as it is. Read [Task] first.
package adapt
