import { EngineError } from "../error.js";

/** An engine that keeps a diary and what it was told. Names of examples are their only pixels. */
export class FakeEngine {
	/** @type {string[]} */
	log = [];
	/** @type {Map<number, string>} */
	classes = new Map();
	/** @type {Map<number, string>} */
	examples = new Map();
	dead = false;
	#lastId = 0;
	/** what addExample does with a picture of this first byte @type {Map<number, () => void>} */
	traps = new Map();
	onDeath = () => {};

	/** @param {string} entry */
	async #do(entry) {
		await null;
		if (this.dead) throw new EngineError("died", "dead");
		this.log.push(entry);
	}

	/** @returns {EngineError} what it was busy with rejects with */
	die() {
		this.dead = true;
		this.onDeath();
		return new EngineError("died", "dead");
	}

	/** @param {string} name */
	async addClass(name) {
		await this.#do(`class ${name}`);
		if ([...this.classes.values()].includes(name)) throw new EngineError("duplicate_class", name);
		this.classes.set(++this.#lastId, name);
		return this.#lastId;
	}

	/** @param {number} id @param {string} name */
	async renameClass(id, name) {
		await this.#do(`rename ${this.classes.get(id)} ${name}`);
		if ([...this.classes.values()].includes(name)) throw new EngineError("duplicate_class", name);
		this.classes.set(id, name);
	}

	/** @param {number} id */
	async removeClass(id) {
		await this.#do(`remove class ${this.classes.get(id)}`);
		if (!this.classes.delete(id)) throw new EngineError("unknown_class", `${id}`);
	}

	/** @param {number} classId @param {import("../engine.js").Pixels} picture */
	async addExample(classId, picture) {
		const byte = picture.data[0] ?? 0;
		await this.#do(`example ${this.classes.get(classId)} ${byte}`);
		this.traps.get(byte)?.();
		this.examples.set(++this.#lastId, String(byte));
		return { id: this.#lastId, width: 1, height: 1, thumbnail: picture, ms: 1 };
	}

	/** @param {number} id */
	async removeExample(id) {
		await this.#do(`remove example ${this.examples.get(id)}`);
		if (!this.examples.delete(id)) throw new EngineError("unknown_example", `${id}`);
	}

	/** there are experts */
	experts = false;
	on = true;

	get #choice() {
		return this.experts && this.on ? { scores: [1], changed: 0.1, parts: [], kinds: [] } : null;
	}

	/** the guard finds what is adapted worse than what is in use */
	worse = false;
	/** the last version */
	version = 0;

	/** what fine-tuning will come to: its learning rate */
	rate = 0.003;
	/** while it fine-tunes @type {() => Promise<unknown>} */
	during = async () => {};
	/** engines beside it @type {FakeEngine[]} */
	twins = [];
	disposed = false;

	async twin() {
		await this.#do("twin");
		const twin = new FakeEngine();
		Object.assign(twin, { worse: this.worse, rate: this.rate, during: this.during });
		this.twins.push(twin);
		return twin;
	}

	dispose() {
		this.disposed = this.dead = true;
	}

	/** @param {{ force?: boolean, finetune?: boolean, views?: boolean, onProgress?: (p: object) => void }} options */
	async adapt({ force = false, finetune = false, views: more = false, onProgress = () => {} } = {}) {
		const views = more ? 8 : 1;
		await this.#do(`adapt${finetune ? ", fine-tuned" : ""}${more ? ", views" : ""}${force ? ", forced" : ""}`);
		if (finetune) {
			onProgress({ step: "tune", done: 1, total: 2 });
			await this.during();
			await this.#do("tuned");
		}
		const verdict = { code: this.worse ? "worse" : "better", reason: "so it is", compared: 2, hits: 1, before: 2, logLoss: 1, logBefore: 0 };
		if (this.worse && !force) return { taken: false, version: 0, verdict, views };
		this.mergedAt = this.on && this.experts;
		return { taken: true, version: ++this.version, verdict, head: "blend", strength: 0, views, leaveOneOut: null, classes: [], way: this.classes.size, examples: this.examples.size, experts: this.#choice, ms: 1, ...(finetune && { tuning: { mode: "sparse", rate: this.rate } }) };
	}

	/** the last adapt merged experts */
	mergedAt = false;

	/** @param {boolean} on */
	async useExperts(on) {
		await this.#do(`experts ${on}`);
		this.on = on;
		return { experts: this.mergedAt ? this.#choice : null, stale: on && this.experts && !this.mergedAt };
	}

	hashes = { bundle: "", experts: "" };

	async pack() {
		await this.#do(`pack ${this.version}`);
		return { file: Uint8Array.of(this.version), content: "", notes: Uint8Array.of(7) };
	}

	/** @param {Uint8Array} file @param {Uint8Array} notes @param {number} version */
	async recall(file, notes, version) {
		await this.#do(`recall ${version} ${file} ${notes}`);
		this.version = version || this.version + 1;
		return { version: this.version, parent: this.version - 1, classes: [], finetuned: "" };
	}

	/** @param {number} version */
	async useVersion(version) {
		await this.#do(`use ${version}`);
		return { experts: null, stale: false };
	}

	async remember() {
		return 0;
	}

	async history() {
		return { inUse: this.version, versions: [] };
	}

	async classify() {
		await this.#do("classify");
		return { scores: [], thumbnail: null, ms: 1 };
	}

	async restart() {
		await null;
		this.dead = false;
		this.classes.clear();
		this.examples.clear();
		this.log.push("restart");
	}
}
