// What we use of Go's loader (lib/wasm/wasm_exec.js of the toolchain), and the one name through which Go hands us its verbs.

export {};

declare global {
	class Go {
		importObject: WebAssembly.Imports;
		exited: boolean;
		mem: DataView;
		/** JavaScript values that Go holds a reference to, by number; null where one has been released */
		_values: unknown[];
		exit: (code: number) => void;
		run(instance: WebAssembly.Instance, context?: object): Promise<void>;
	}
	var hagurumaReady: ((verbs: import("./engine.js").Verbs) => void) | undefined;
}
