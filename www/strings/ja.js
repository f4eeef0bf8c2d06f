// Every word the page says, in Japanese.

import { evidence } from "./evidence.ja.js";
import { formats } from "./format.js";

/** @import { Text } from "../strings.js" */

const { number, tenth, percent, megabytes, tenths } = formats("ja");

/** @type {Text} */
export const ja = {
	lang: "ja",
	languageName: "日本語",
	language: "表示言語",
	title: "haguruma：例を見せて教える画像分類",
	tagline: "数枚の例で教えられます。データはこの端末から出ません。",
	skip: "クラスの一覧へ移動",

	// step 1
	teach: "例を見せる",
	teachHint: "手書き、カメラ、画像ファイルで例を追加してください。まずは各クラス3〜10枚が目安です。",
	addClass: "クラスを追加",
	addFolders: "フォルダーをクラスとして追加",
	sample: "サンプルで試す",
	sampleGood: "良品（OK）",
	sampleBad: "傷あり（NG）",
	samplePart: (n) => `サンプル${number(n)}`,
	addFoldersHint: "フォルダーをここにドロップすることもできます。フォルダー名がクラス名になります。",
	newClass: (letter) => `クラス${letter}`,
	className: "クラス名",
	removeClass: (name) => `「${name}」を削除`,
	pictures: (n) => `${number(n)}枚`,
	noPictures: "画像なし",
	padLabel: (name) => `「${name}」の手書きエリア`,
	addDrawing: "手書きを追加",
	undoStroke: "1画戻す",
	undoStrokeLabel: "1画戻す（最後の1画を取り消す）",
	clear: "消去",
	chooseFiles: "画像を選ぶ",
	dropHere: "またはここにドロップ",
	drawHere: "ここに描く",
	removeExample: (name, of) => `「${of}」から${name}を削除`,
	drawing: (n) => `手書き${number(n)}`,
	examplesOf: (name) => `「${name}」の画像`,
	waiting: "読み込み中",

	// the camera
	cameraOpen: "カメラ",
	cameraClose: "カメラを閉じる",
	cameraHold: "押している間、撮影",
	cameraPicture: "カメラの映像",
	cameraChoice: "カメラの選択",
	cameraNumber: (n) => `カメラ${number(n)}`,
	photo: (n) => `撮影${number(n)}`,
	camera: {
		denied: "カメラの使用が許可されていません。アドレスバーまたはブラウザーの設定でこのページに許可し、再試行してください。ファイルと手書きはこのまま使えます。",
		none: "カメラが見つかりません。接続して再試行するか、画像ファイルを選んでください。",
		busy: "カメラが応答しません。ほかのアプリが使用中の可能性があります。そのアプリを閉じて、再試行してください。",
		gone: "カメラの接続が切れたか、電源が切れました。接続して再試行してください。",
		insecure: "カメラを使えるのは、httpsのページか、この端末から開いたページだけです。その方法で開き直すか、画像ファイルを選んでください。",
	},

	// step 2
	learn: "学習する",
	learnTitle: "学習",
	learnt: "学習済み",
	learntFrom: (way, examples, ms) =>
		`${number(way)}クラス・画像${number(examples)}枚を${ms < 1 ? "1ミリ秒未満" : `${number(Math.round(ms))}ミリ秒`}で学習しました。`,
	sentences: (first, second) => `${first}${second}`,
	learntLive: "画像を追加すると、すぐに学習に反映されます。",
	readyToLearn: "準備ができました。いつでも学習できます。",
	whyLoading: "エンジンを読み込んでいます。少しお待ちください。",
	whyBroken: "エンジンが動いていません。",
	whyFewClasses: "もう1つクラスを追加してください。",
	whyEmptyClass: (name) => `「${name}」に画像を1枚以上追加してください。`,
	whyNotAdded: (name) => `「${name}」の手書きを使うには「手書きを追加」を押してください。`,
	whyReading: (n) => `画像${number(n)}枚を読み込んでいます…`,
	notYetLearnt: (name) => `「${name}」はまだ画像がないため、追加されるまで対象外です。`,

	// gears
	useGears: "モデルをこの課題に合わせる",
	gearsTitle: "使用中の歯車",
	gearsComing: "モデルの歯車を読み込んでいます。",
	gearsFirst: "学習すると、お使いの画像に役立つ歯車をモデルが選びます。",
	gearsOff: "モデルをそのまま使っています。",
	gearsChosen: (n, all, share) => `歯車${number(all)}個のうち${number(n)}個が回り、モデルの${share}を変えています。`,
	gear: (n) => `歯車${number(n)}`,
	gearsWhere: "モデル内の場所",
	part: (name) => {
		const block = /^blocks\.(\d+)$/.exec(name);
		if (block) return `ブロック${number(Number(block[1]) + 1)}`;
		return { patch_embed: "画像の読み取り", pos_embed: "位置", cls_token: "クラストークン", register_tokens: "レジスター", norm: "最後の正規化" }[name] ?? name;
	},
	gearsMissing: "モデルの歯車を読み込めませんでした。歯車がなくても、すべての機能を使えます。",

	// step 3
	tryTitle: "試す",
	tryPad: "判定用の手書きエリア",
	tryChoose: "画像を選ぶ",
	tryBack: "手書きに戻る",
	tryOne: (name) => `ここでは1枚ずつ判定します。${name}を使いました。`,
	tryHint: "新しく描くか、画像を選ぶか、カメラに映すと、どのクラスと判定されるかが分かります。",
	tryFirst: "先に「学習する」を押してください。",
	verdict: (name, share) => `${name}、${share}`,
	percent,
	mostLike: "最も近い例：",
	pictureOf: (name) => `画像${name}`,

	...evidence,

	// status
	progress: ({ part, loaded, total }) =>
		part === "start"
			? "起動中"
			: `${{ engine: "エンジン", bundle: "モデル", experts: "歯車" }[part]} ${total === null ? megabytes(loaded) : `${tenths(loaded)}／${megabytes(total)}`}`,
	loading: "読み込み中",
	ready: (bundle) => `準備完了。モデル：${bundle}`,
	offlineReady: (bytes) => `オフラインでも使えます（端末に${megabytes(bytes)}を保存済み）。`,
	offlineRoom: "端末の空き容量が足りないため、オフライン用に保存できませんでした。",
	timing: (ms) => `1枚あたり${ms < 10 ? tenth(ms) : number(Math.round(ms))}ミリ秒（すべてこのタブ内で処理）`,
	restarting: "エンジンが停止したため、再起動しています。画像は残っています。",
	restarted: "エンジンが再び動き出しました。失われたものはありません。",
	retry: "再試行",
	undo: "元に戻す",
	dismiss: "閉じる",
	removed: (what) => `${what}を削除しました。`,
	classWith: (name, n) => (n === 0 ? `「${name}」` : `「${name}」（画像${number(n)}枚）`),
	pictureFrom: (name, of) => `「${of}」の${name}`,
	restored: (what) => `${what}を元に戻しました。`,
	notTaken: (n, total) => (total === 1 ? "このファイルは追加できませんでした：" : `${number(total)}件中${number(n)}件のファイルを追加できませんでした：`),
	problem: (name, sentence) => `${name}：${sentence}`,
	dropOnClass: "画像はクラスか「試す」の上にドロップしてください。フォルダーはどこにでもドロップできます。",
	noFiles: "ファイルが含まれていませんでした。",
	nameEmpty: "クラス名が空のため、元の名前のままにしました。",
	nameLong: "クラス名が長すぎるため、元の名前のままにしました。",
	nameTaken: (name) => `「${name}」は別のクラスで使われているため、元の名前のままにしました。`,
	heic: "HEIC形式の写真のようです。スマートフォンのカメラ設定を「互換性優先」にするか、JPEGに変換してください。",
	broke: "エンジンがこの画像を処理できず、再起動しました。",

	errors: {
		unsupported: "このブラウザーは古いため、エンジンを動かせません。2021年以降のChrome・Edge・Firefox、またはSafari 16.4以降をお使いください。",
		aborted: "読み込みを中止しました。",
		disposed: "エンジンは終了しています。ページを再読み込みしてください。",
		died: "エンジンが停止しました。画像は残っています。",
		download: "プログラムの一部を読み込めませんでした。接続を確認して、再試行してください。",
		manifest: "サーバー上のモデルの説明ファイルが壊れています。",
		hash: "受信したモデルが壊れています。再試行してください。繰り返す場合は、サーバー上のファイルが壊れています。",
		bundle: "サーバー上のモデルは、このバージョンでは読み込めません。",
		experts: "サーバー上の歯車は、このモデルのものではありません。",
		picture_format: "読み込める画像ではありません。JPEG・PNG・GIF・WebP・BMPに対応しています。",
		picture_truncated: "画像が途中で切れています。コピーが中断された可能性があります。",
		picture_too_large: "画像が大きすぎます。上限は64 MB、6,700万画素です。",
		picture_empty: "ファイルが空です。",
		bad_name: "クラス名として使えません。",
		duplicate_class: "同じ名前のクラスがあります。",
		unknown_class: "このクラスはもうありません。",
		unknown_example: "この画像はもうありません。",
		too_few_classes: "先にもう1つクラスを追加してください。",
		empty_class: "各クラスに画像が1枚以上必要です。",
		not_adapted: "先に「学習する」を押してください。",
		bad_embedding: "モデルがこの画像から特徴を読み取れませんでした。",
		other_weights: "モデルが入れ替わりました。もう一度お試しください。",
		no_patches: "このバックボーンでは、画像のどこに反応したかを示せません。",
		no_picture: "歯車に必要な画像が見つかりません。",
		contradiction: "この画像はすでに別のクラスにあります。先にそちらから削除してください。",
		unknown_version: "そのバージョンはありません。",
		usage: "ページ内で問題が起きました。再読み込みすると直りますが、画像は失われます。",
		internal: "エンジン内で問題が起きました。失われたものはありません。",
	},
};
