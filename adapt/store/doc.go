// Package store keeps a user's task where a crash, a closed tab or a full disk cannot lose what was confirmed: classes, examples and their
// pictures, every adapter that was taken into use, which one is in use, and the journal.
//
// A [Store] is a few files under names: [Folder] on disk, [Memory] in memory, and in a browser whatever the page has. [Task] is the layout on top.
// Everything that belongs to one step becomes true in one moment, when task.json is replaced by the next one; the journal's new lines are in it too,
// until they are in the journal.
//
// Floor 4: it knows bytes and the journal, and neither pictures nor adapters. Read [Task.Commit] first; docs/FORMAT.md has the layout.
package store
