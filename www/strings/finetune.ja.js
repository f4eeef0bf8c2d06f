// Words about fine-tuning, in Japanese.

import { formats } from "./format.js";

const { number } = formats("ja");

/** @type {typeof import("./finetune.en.js").finetune} */
export const finetune = {
	finetuneTitle: "モデルの微調整（ファインチューニング）",
	finetuneHint: "まだ混同するクラスがあるときに：モデル自体をお使いの画像に少しずつ合わせます。除いておいた画像で確かめ、最もよい分だけを採用します（何も変えないこともあります）。数秒〜数分かかりますが、その間も使えます。初回だけ、追加のプログラムを読み込みます。",
	finetuneStart: "微調整を始める",
	finetuneStop: "中止",
	finetuneBusy: "このタブで微調整しています。その間も試せますが、画像を変更すると終了します。",
	finetuneEngine: "微調整用プログラムの読み込み",
	finetunePictures: (done, total) => `画像の読み込み ${number(done)}／${number(total)}`,
	finetuneReady: "画像の変化形を作っています（所要時間は2ステップ後に分かります）",
	finetuneSteps: (done, total) => `ステップ ${number(done)}／${number(total)}`,
	finetuneLeft: (seconds) => (seconds < 60 ? `残り約${number(seconds)}秒` : `残り約${number(Math.round(seconds / 60))}分`),
	finetuneTaken: (title, share) => `${title}を使用中です。モデルの重みの${share}が変わりました。`,
	finetuneNothing: "微調整の効果はありませんでした。除いておいた画像の判定が良くなりません。何も変わっていません。",
	finetuneRefused: "除いておいた画像の判定が悪くなったため、採用しませんでした。何も変わっていません。",
	finetuneStopped: "中止しました。何も変わっていません。",
	finetuneChanged: "画像・歯車・使用中のバージョンのいずれかが変わったため、終了しました。ほかは何も変わっていません。",
	versionTuned: (share) => (share ? `微調整済み：重みの${share}が変わりました。` : "微調整済み。"),
};
