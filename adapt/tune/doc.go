// Package tune fine-tunes the backbone of a task: the adapt.Tuner of every front. It is where packages adapt and finetune meet, and neither knows of
// the other. Floor 6.
package tune
