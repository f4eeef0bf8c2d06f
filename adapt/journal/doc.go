// Package journal is the record of what was done to a task: one line of JSON for each step, only ever added to, and each line with the hash
// of the one before. Who changes, removes, inserts or moves a line later breaks the chain, and [Read] says where. Lines cut off at the end
// are seen by who knows the head, the hash of the last line: the task keeps it beside the journal, and every adapter file has the head of its day.
// Against someone who writes the whole journal anew there is only a head that is kept elsewhere.
//
// Floor 3: pure data. It knows no storage, no clock and no task. Start with [Chain.Next] and [Read]; docs/FORMAT.md has the format.
package journal
