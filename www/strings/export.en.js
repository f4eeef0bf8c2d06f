// Words about the model as a file for other programs, in English.

export const exporting = {
	exportTitle: "Use it in other programs",
	exportHint: "The whole model with what it has learnt, as one file that other programs run: a picture goes in, the probabilities of your classes come out. “None of these” is not in it. The file is made on this device. The first time, a part of the program is loaded for it.",
	exportOnnx: "Save as ONNX",
	exportSafetensors: "Save as safetensors, with timm’s names",
	exportStop: "Stop",
	exportBusy: "Making the file. You can go on meanwhile.",
	exportEngine: "Loading what makes it",
	exportWriting: "The model is put together and written",
	/** @param {string} name @param {string} size */
	exportDone: (name, size) => `Saved as ${name}, ${size}.`,
	exportStopped: "Stopped. Nothing was saved.",
	exportOffline: "What makes these files could not be loaded. It takes a network the first time: check the connection and try again.",
};
