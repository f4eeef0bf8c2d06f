// Package adapt is one user's task: named classes, a handful of examples each, and the classifier made
// of them. Floor 5: the same behaviour for page, terminal and edge. A task knows an [Embedder] and nothing of
// the network behind it, of files, of the browser or of time; it starts no goroutine.
//
// A [Task] keeps its examples as embeddings, and as the small pictures that the network sees. [Task.Adapt] turns them into prototypes, one a class, and
// classification compares cosines with those: what is adapted stays in use, whatever is added or
// moved, until Adapt succeeds again. Every failed call leaves the task as it was. With [Experts], Adapt first lets them choose what to
// change in the network; it keeps what the network without them makes, so that they can be turned off at once. [Backbone] is the network
// with its experts that every front uses.
//
// Errors are *[Error] with a stable Code for programs and a sentence for people; what an Embedder
// returns is wrapped as it is. Read [Task] first.
package adapt
