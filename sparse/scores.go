package sparse

import (
	"math"
	"math/rand/v2"
)

// scoreEps is added to the sum that scores are divided by: the paper's code.
const scoreEps = 1e-8

// Temperatures of the paper's code: from 5 to 0.5 over the first 18,000 tasks.
const (
	StartTemperature = 5
	EndTemperature   = 0.5
	CoolingTasks     = 18000
)

// Temperature is that of the scores after a number of training tasks: start at first, less for each task, end from cooling tasks on.
// Use keeps the temperature that training ended with.
func Temperature(start, end float64, cooling, tasks int) float64 {
	if tasks >= cooling {
		return end
	}
	return start - (start-end)*float64(tasks)/float64(cooling)
}

// Scores writes how much of each expert is merged:
//
//	s_m     = sigmoid((logits_m + noise_m) / temperature)
//	score_m = s_m / (sum_j s_j + 1e-8)
//
// They are not negative and sum to 1, up to that 1e-8. The score of a single expert is s itself, as in the paper's code: it says how much
// of the expert the task takes. logits, noise and scores are (Experts); noise is nil in use and LogisticNoise in training; scores may be
// logits. Source: Chen et al. 2024, arXiv:2403.08477; the relaxed Bernoulli is Maddison et al. 2017, arXiv:1611.00712, appendix B.
func Scores[F Float](scores, logits, noise []F, temperature F) {
	var sum F
	for m := range logits {
		scores[m] = expertSigmoid(logits, noise, m, temperature)
		sum += scores[m]
	}
	if len(logits) == 1 {
		return
	}
	for m := range logits {
		scores[m] /= sum + scoreEps
	}
}

// ScoresBackward writes the gradient of the logits. All but noise and temperature are as in Scores; dLogits may be dScores.
func ScoresBackward[F Float](dLogits, dScores, logits, noise []F, temperature F) {
	var sum, inner F
	for m := range logits {
		s := expertSigmoid(logits, noise, m, temperature)
		sum += s
		inner += dScores[m] * s
	}
	sum += scoreEps
	for m := range logits {
		d := (dScores[m] - inner/sum) / sum
		if len(logits) == 1 {
			d = dScores[m]
		}
		s := expertSigmoid(logits, noise, m, temperature)
		dLogits[m] = d * s * (1 - s) / temperature
	}
}

// expertSigmoid is sigmoid((logits[m] + noise[m]) / temperature).
func expertSigmoid[F Float](logits, noise []F, m int, temperature F) F {
	x := logits[m]
	if noise != nil {
		x += noise[m]
	}
	return F(1 / (1 + math.Exp(-float64(x/temperature))))
}

// LogisticNoise draws ln(u/(1-u)) with u uniform in (0, 1): what turns the logits of Scores into a relaxed Bernoulli sample.
func LogisticNoise[F Float](noise []F, rng *rand.Rand) {
	for i := range noise {
		u := rng.Float64()
		for u == 0 {
			u = rng.Float64()
		}
		noise[i] = F(math.Log(u / (1 - u)))
	}
}
