// Package torchfile reads the weights of a PyTorch checkpoint: what torch.save
// makes of a state dict, .pth, .pt or .bin, in the zip form of torch 1.6 and
// later and in the form before it.
//
// Floor 2: it knows files, pickles and tensors, and nothing of models. It is
// for native programs; the engine in the browser reads bundles only.
//
// A pickle is a program. Here it can make dictionaries, lists, tensors and
// objects that do nothing: a class is never looked up, whatever its name.
// Before the library that runs it sees a pickle, every instruction is checked
// against the bytes that are there. Tensors are read when they are asked for,
// so a training checkpoint with its optimiser costs no more than the weights
// that are wanted. Read New first.
//
// Errors wrap the sentinels of core/tensorfile, or the operating system's.
package torchfile
