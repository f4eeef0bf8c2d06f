// Of miniflare's types the part that the tests use: its own want those of Cloudflare, which are not installed.
import type { R2Bucket } from "../env.js";

export class Response extends globalThis.Response {}
export class Miniflare {
	constructor(options: object);
	ready: Promise<URL>;
	getInspectorURL(): Promise<URL>;
	unsafeGetDirectURL(): Promise<URL>;
	getR2Bucket(name: string): Promise<R2Bucket>;
	dispose(): Promise<void>;
}

export const R2_PLUGIN: { getServices(options: object): Promise<{ name?: string }[]> };

interface Socket {
	accept(): void;
	send(text: string): void;
	close(): void;
	addEventListener(type: "message", listener: (event: { data: string }) => void): void;
}

export function fetch(url: string, init?: RequestInit): Promise<{ webSocket: Socket | null }>;
