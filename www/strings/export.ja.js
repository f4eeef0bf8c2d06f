// Words about the model as a file for other programs, in Japanese.

/** @type {typeof import("./export.en.js").exporting} */
export const exporting = {
	exportTitle: "ほかのプログラムで使う",
	exportHint: "学習した内容を含むモデル全体を、ほかのプログラムで動く1つのファイルにします。画像を入れると、各クラスの確率が出ます（「どのクラスでもない」という判定は含みません）。ファイルはこの端末で作ります。初回だけ、追加のプログラムを読み込みます。",
	exportOnnx: "ONNXで保存",
	exportSafetensors: "safetensorsで保存（timmの名前）",
	exportStop: "中止",
	exportBusy: "ファイルを作っています。その間も使えます。",
	exportEngine: "書き出し用プログラムの読み込み",
	exportWriting: "モデルをまとめて書き出しています",
	exportDone: (name, size) => `${name}（${size}）を保存しました。`,
	exportStopped: "中止しました。何も保存していません。",
	exportOffline: "書き出し用プログラムを読み込めませんでした。初回はネットワークが必要です。接続を確認して、もう一度お試しください。",
};
