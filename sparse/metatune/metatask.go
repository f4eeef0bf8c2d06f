package metatune

import (
	"math/rand/v2"

	"haguruma/core/fewshot"
	"haguruma/core/kernel"
	"haguruma/sparse"
)

// metaState is what one task reads: weights, masks and router as they stand, shared by all workers.
type metaState struct {
	cfg         MetaConfig
	network     Network
	pre, delta  []float32
	gates       *sparse.Gates[float32]
	router      *sparse.Router[float32] // nil with uniform routing
	temperature float32
}

// taskResult is what one task gives: gradients and figures. The update sums results in the order of the tasks, so it does not matter
// which worker took which.
type taskResult struct {
	set            int
	dDelta, dMask  []float32 // (N); expert m's own mask gradient is scores[m] * dMask
	scores         []float32 // (M)
	logits, noise  []float32 // (M) of the router
	dScores        []float32 // (M) from the loss alone
	tape           sparse.RouterTape[float32]
	ce, kd         float64
	right, queries int
}

// metaWorker runs one task at a time: everything that a goroutine needs for itself.
type metaWorker struct {
	task                         Task
	frozen, support, query, copy Run // frozen holds the backbone's own weights; copy is for inner step and dense teacher
	mask, grad                   []float32
	embedS, embedQ, dEmbed       []float32
	means, headMeans, dMeans     []float32
	frozenMeans                  []float32
	student, other               protoLoss[float32]
	teachers                     [][]float32
}

func newMetaWorker(s *metaState) *metaWorker {
	w := &metaWorker{frozen: s.network.NewRun(), support: s.network.NewRun(), query: s.network.NewRun(), copy: s.network.NewRun()}
	copy(w.frozen.Weights(), s.pre)
	w.mask, w.grad = make([]float32, len(s.pre)), make([]float32, len(s.pre))
	return w
}

// run computes one task's gradients: METHOD section 3.1, steps 1 to 8 but for the terms that do not depend on the task.
func (w *metaWorker) run(s *metaState, tasks Tasks, r *taskResult, rng *rand.Rand) {
	t := &w.task
	tasks.Draw(t, rng)
	dim, way := s.network.Dim(), t.Way
	nS, nQ := len(t.SupportLabels), len(t.QueryLabels)
	r.set, r.queries = t.Set, nQ
	w.means, w.headMeans, w.dMeans = room(w.means, way*dim), room(w.headMeans, way*dim), room(w.dMeans, way*dim)
	w.teachers = w.teachers[:0]

	w.route(s, r, rng)
	sparse.Mix(w.mask, s.gates.Z, r.scores)
	sparse.Merge(w.support.Weights(), s.pre, w.mask, s.delta)
	copy(w.query.Weights(), w.support.Weights())

	w.support.Forward(w.embedS, t.Support, nS, true)
	fewshot.ClassMeans(w.means, w.embedS, t.SupportLabels, way, dim)
	copy(w.headMeans, w.means)
	if s.cfg.Inner > 0 {
		w.innerStep(s, nS, way, dim)
	}
	if s.cfg.Distill > 0 && s.cfg.Dense > 0 {
		w.denseTeacher(s, nQ, way, dim)
	}

	w.query.Forward(w.embedQ, t.Query, nQ, true)
	w.student.forward(w.embedQ, w.headMeans, nQ, way, dim)
	kd := s.cfg.Distill
	r.ce, r.right = w.student.crossEntropy(t.QueryLabels, float32(1-kd))
	r.kd = 0
	for _, logits := range w.teachers {
		weight := float32(kd) / 2 // two teachers share it, as in the paper's code; one alone has half too
		r.kd += w.student.distill(logits, nQ, float32(s.cfg.TeacherHeat), weight, s.cfg.Direction) / 2
	}

	// Gradients: through the queries, and through the class means to the support (their weights before the inner step, first order).
	w.dEmbed = room(w.dEmbed, max(nS, nQ)*dim)
	clear(w.grad)
	w.student.backward(w.dEmbed, w.dMeans, nQ)
	w.query.Backward(w.grad, w.dEmbed)
	spread(w.dEmbed, w.dMeans, t.SupportLabels, way, dim)
	w.support.Backward(w.grad, w.dEmbed)

	r.dDelta, r.dMask = room(r.dDelta, len(s.pre)), room(r.dMask, len(s.pre))
	clear(r.dDelta)
	sparse.MergeBackward(r.dDelta, r.dMask, r.dScores, w.grad, w.mask, s.delta, s.gates.Z)
}

// route embeds support (and queries, for the pretrained teacher) by the frozen backbone and writes the scores.
func (w *metaWorker) route(s *metaState, r *taskResult, rng *rand.Rand) {
	t := &w.task
	dim, way, experts := s.network.Dim(), t.Way, s.gates.Config.Experts
	nS, nQ := len(t.SupportLabels), len(t.QueryLabels)
	w.embedS, w.embedQ = room(w.embedS, nS*dim), room(w.embedQ, nQ*dim)
	r.scores, r.logits, r.noise, r.dScores = room(r.scores, experts), room(r.logits, experts), room(r.noise, experts), room(r.dScores, experts)
	teacher := s.cfg.Distill > 0 && s.cfg.Pretrained
	if s.router != nil || teacher {
		w.frozen.Forward(w.embedS, t.Support, nS, false)
		w.frozenMeans = room(w.frozenMeans, way*dim)
		fewshot.ClassMeans(w.frozenMeans, w.embedS, t.SupportLabels, way, dim)
	}
	if teacher {
		w.frozen.Forward(w.embedQ, t.Query, nQ, false)
		w.teachers = append(w.teachers, append([]float32(nil), w.other.forward(w.embedQ, w.frozenMeans, nQ, way, dim)...))
	}
	if s.router == nil {
		for m := range r.scores {
			r.scores[m] = 1 / float32(experts)
		}
		return
	}
	if s.cfg.Noiseless {
		clear(r.noise)
	} else {
		sparse.LogisticNoise(r.noise, rng)
	}
	s.router.Logits(r.logits, w.frozenMeans, way, &r.tape)
	sparse.Scores(r.scores, r.logits, r.noise, s.temperature)
}

// innerStep moves the queries' weights and the head by one step of gradient descent on the support's own cross-entropy, constants to the
// outer gradient. Source: METHOD section 3.1, step 3.
func (w *metaWorker) innerStep(s *metaState, nS, way, dim int) {
	rate := float32(s.cfg.Inner)
	copy(w.copy.Weights(), w.support.Weights())
	w.slope(w.embedS, w.task.Support, w.task.SupportLabels, w.means, nS, way, dim)
	kernel.Axpy(w.query.Weights(), -rate, w.grad)
	kernel.Axpy(w.headMeans, -rate, w.dMeans)
}

// denseTeacher takes one step of gradient descent on the queries' own labels over all weights and the head, and keeps the logits that
// gives. Source: METHOD section 3.1, step 5.
func (w *metaWorker) denseTeacher(s *metaState, nQ, way, dim int) {
	rate := float32(s.cfg.Dense)
	copy(w.copy.Weights(), w.query.Weights())
	w.slope(w.embedQ, w.task.Query, w.task.QueryLabels, w.headMeans, nQ, way, dim)
	kernel.Axpy(w.copy.Weights(), -rate, w.grad)
	head := append([]float32(nil), w.headMeans...)
	kernel.Axpy(head, -rate, w.dMeans)
	w.copy.Forward(w.embedQ, w.task.Query, nQ, false)
	w.teachers = append(w.teachers, append([]float32(nil), w.other.forward(w.embedQ, head, nQ, way, dim)...))
}

// slope writes the gradient of the cross-entropy of inputs against a head of class means (way, dim): that of the weights of copy to grad,
// that of the head to dMeans.
func (w *metaWorker) slope(embed, inputs []float32, labels []int, head []float32, n, way, dim int) {
	w.copy.Forward(embed, inputs, n, true)
	w.other.forward(embed, head, n, way, dim)
	w.other.crossEntropy(labels, 1)
	w.dEmbed = room(w.dEmbed, n*dim)
	w.other.backward(w.dEmbed, w.dMeans, n)
	clear(w.grad)
	w.copy.Backward(w.grad, w.dEmbed)
}
