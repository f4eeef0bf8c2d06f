// How many numbers the weights of a MobileNet are, from its architecture: its files lie where the tests of this project do not go.

/**
 * @typedef {object} Form
 * @property {number} alpha width multiplier
 * @property {number} classes of the classifier on top; 0: none, as for what is learnt on top of it
 * @property {boolean} folded each batch normalisation is a bias of the convolution before it, as in a graph made for inference; else it has four numbers a channel
 */

/** Sums up convolutions. */
class Counter {
	numbers = 0;
	#perChannel;

	/** @param {boolean} folded */
	constructor(folded) {
		this.#perChannel = folded ? 1 : 4;
	}

	/** @param {number} side of the kernel @param {number} from channels @param {number} to channels */
	conv(side, from, to) {
		this.numbers += side * side * from * to + this.#perChannel * to;
	}

	/** A 3x3 kernel for each channel. @param {number} channels */
	depthwise(channels) {
		this.numbers += 9 * channels + this.#perChannel * channels;
	}

	/** @param {number} from @param {number} classes */
	top(from, classes) {
		this.numbers += from * classes + classes;
	}
}

/** MobileNet v1, Howard et al. 2017 (arXiv:1704.04861), table 1. @param {Form} form @returns {number} */
export function mobilenet1({ alpha, classes, folded }) {
	const counter = new Counter(folded);
	const width = (/** @type {number} */ channels) => Math.trunc(channels * alpha);
	let from = width(32);
	counter.conv(3, 3, from);
	for (const channels of [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]) {
		counter.depthwise(from);
		counter.conv(1, from, width(channels));
		from = width(channels);
	}
	counter.top(from, classes);
	return counter.numbers;
}

/** MobileNet v2, Sandler et al. 2018 (arXiv:1801.04381), table 2, with widths that are multiples of 8 as in its published code. @param {Form} form @returns {number} */
export function mobilenet2({ alpha, classes, folded }) {
	const counter = new Counter(folded);
	const width = (/** @type {number} */ channels) => {
		const want = channels * alpha;
		const near = Math.max(8, Math.trunc((want + 4) / 8) * 8);
		return near < 0.9 * want ? near + 8 : near;
	};
	let from = width(32);
	counter.conv(3, 3, from);
	for (const [expansion, channels, times] of /** @type {const} */ ([[1, 16, 1], [6, 24, 2], [6, 32, 3], [6, 64, 4], [6, 96, 3], [6, 160, 3], [6, 320, 1]])) {
		for (let i = 0; i < times; i++) {
			const inner = from * expansion;
			if (expansion > 1) counter.conv(1, from, inner);
			counter.depthwise(inner);
			counter.conv(1, inner, width(channels));
			from = width(channels);
		}
	}
	const last = alpha > 1 ? width(1280) : 1280;
	counter.conv(1, from, last);
	counter.top(last, classes);
	return counter.numbers;
}
