// What the Worker is bound to, and of Cloudflare's own types the part that is used.

export interface Env {
	/** Tasks, adapters, tenants, and bundles where there are no assets. */
	BUCKET: R2Bucket;
	/** Static assets: models/default.json and the bundle beside it, and the page. Without them the bundle is read from BUCKET. */
	ASSETS?: { fetch(what: string | Request): Promise<Response> };
	/** "on": the page is served from ASSETS, with its model, to anybody. */
	PAGE?: string;
	/** Requests a tenant may make, and failed ones an address may. Without it there is no limit. */
	LIMITER?: { limit(options: { key: string }): Promise<{ success: boolean }> };
	/** Origins whose pages may call, separated by commas; * for all. Without it, none. */
	ORIGINS?: string;
	/** The manifest's path in assets or bucket. */
	BUNDLE?: string;
	/** Version of the code, for provenance and logs. */
	VERSION?: string;
}

export interface Context {
	waitUntil(work: Promise<unknown>): void;
}

export interface R2Condition {
	etagMatches?: string;
	etagDoesNotMatch?: string;
}

export interface R2Object {
	key: string;
	size: number;
	etag: string;
}

export interface R2Body extends R2Object {
	body: ReadableStream<Uint8Array<ArrayBuffer>>;
	arrayBuffer(): Promise<ArrayBuffer>;
	text(): Promise<string>;
}

export interface R2Bucket {
	get(key: string): Promise<R2Body | null>;
	head(key: string): Promise<R2Object | null>;
	/** null: the condition does not hold. */
	put(key: string, value: ArrayBufferView | ArrayBuffer | string, options?: { onlyIf?: R2Condition }): Promise<R2Object | null>;
	delete(keys: string | string[]): Promise<void>;
	list(options: { prefix: string; cursor?: string; limit?: number }): Promise<{ objects: R2Object[]; truncated: boolean; cursor?: string }>;
}

/** Bytes that nothing shares. */
export type Bytes = Uint8Array<ArrayBuffer>;
