// Answers to a camera, counted.

/**
 * An init script that counts answers where they come in, and not by what the page does with them, which is what is measured: a listener more at the engine's Worker, which
 * reads what the page's own has to read anyway, and keeps two numbers: `answers` of the page, when and what the pass took, ms.
 */
export function count() {
	/** @type {{ at: number, ms: number }[]} */
	const answers = [];
	const Plain = Worker;
	Object.assign(globalThis, {
		answers,
		Worker: class extends Plain {
			/** @param {string | URL} url @param {WorkerOptions} [options] */
			constructor(url, options) {
				super(url, options);
				this.addEventListener("message", ({ data, timeStamp }) => {
					if (data?.value?.scores) answers.push({ at: timeStamp, ms: data.value.ms });
				});
			}
		},
	});
}
