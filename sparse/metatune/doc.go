// Package metatune trains and measures, natively only.
//
// Its first part is pre-training: Pretrain turns folders of images into a
// small vision transformer by supervised learning on the training classes of
// several sets at once; Evaluate measures an embedder on few-shot episodes of
// classes it has never seen, and RunSuite measures methods on many sets by
// groups, those whose weights depend on the task (Routed) task by task. Which
// classes may be trained on is decided by fewshot.Splits and never here.
//
// Floor 5: it stands on core/vit, core/nn and core/fewshot and knows nothing
// of browsers, servers or the terminal. Read Pretrain first.
package metatune
