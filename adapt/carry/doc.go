// Package carry is where a task of package adapt becomes an adapter, and an adapter what classifies: nothing else knows of both. What came out of one
// front, [Weights.Pack], gives the same answers in another, [Weights.Apply], bit for bit.
//
// Nothing in it reads a file: fronts bring models, experts and the sha256 sums of their files.
package carry
