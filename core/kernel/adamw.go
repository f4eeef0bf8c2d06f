package kernel

// AdamW takes one step of Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2) in place:
//
//	w -= lr*weightDecay*w
//	m  = beta1*m + (1-beta1)*g
//	v  = beta2*v + (1-beta2)*g*g
//	w -= lr/bias1 * m / (sqrt(v)/sqrt(bias2) + eps)
//
// bias1 = 1 - beta1^t and bias2 = 1 - beta2^t correct the moments at step t (1, 2, ...). All slices have the length of w.
func AdamW(w, g, m, v []float32, lr, beta1, beta2, eps, weightDecay, bias1, bias2 float32) {
	need(g, len(w), "kernel: AdamW: insufficient length of g")
	need(m, len(w), "kernel: AdamW: insufficient length of m")
	need(v, len(w), "kernel: AdamW: insufficient length of v")
	c := newAdamWStep(lr, beta1, beta2, eps, weightDecay, bias1, bias2)
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	if !adamw32(w, g, m, v, c) {
		adamwGeneric(w, g, m, v, c)
	}
}

func newAdamWStep(lr, beta1, beta2, eps, weightDecay, bias1, bias2 float32) *adamwStep {
	return &adamwStep{
		keep:  1 - float32(lr*weightDecay),
		beta1: beta1, rest1: 1 - beta1,
		beta2: beta2, rest2: 1 - beta2,
		step: lr / bias1, root: 1 / sqrtOf(bias2), eps: eps,
	}
}

// adamwStep holds the constants of one step.
type adamwStep struct{ keep, beta1, rest1, beta2, rest2, step, root, eps float32 }

func adamwGeneric(w, g, m, v []float32, c *adamwStep) {
	for i, d := range g {
		mi := float32(c.beta1*m[i]) + float32(c.rest1*d)
		vi := float32(c.beta2*v[i]) + float32(float32(c.rest2*d)*d)
		m[i], v[i] = mi, vi
		w[i] = float32(w[i]*c.keep) - float32(c.step*mi)/(float32(sqrtOf(vi)*c.root)+c.eps)
	}
}
