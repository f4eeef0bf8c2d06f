// Package finetune takes gradient steps on a labelled support, on the device that holds it: on the weights that experts opened or that the
// gradient asks for, on norms alone, on low-rank factors or on everything. What comes out is a sparse.Change of the int8 backbone.
//
// It starts from the int8 weights as they are served. What lies below the lowest block that changes is computed once, by the int8 forward
// itself, for a few changed views of each picture; steps run on float32 from there up and back. How fast to learn, or not at all, is voted by
// examples that a trial did not see.
package finetune
