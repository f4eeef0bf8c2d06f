// What the page says of an endpoint, in Japanese.

import { formats } from "./format.js";

/** @import { endpoint as English } from "./endpoint.en.js" */

const { number } = formats("ja");

/** @type {typeof English} */
export const endpoint = {
	endpointTitle: "別のコンピューター",
	endpointHint: "学習と分類を、このタブの代わりにエンドポイント（hagurumaが動くサーバー）で行えます。答えは同じで、一方で学習した分類器はもう一方でも使えます。",
	endpointLeaves: "使うと、画像がこの端末から出ます。各例と各ファイルのうちモデルが見る小さな正方形、描いた絵、分類中のカメラの映像、クラス名が、下のアドレスに送られます。エンドポイントに残るのは学習結果だけで、画像は残りません。",
	endpointAddress: "アドレス（空欄ならこのサイト）",
	endpointToken: "トークン",
	endpointKeep: "トークンをこの端末に保存する。保存しない場合、タブを閉じると消えます。",
	endpointUse: "使う（画像がこの端末から出ます）",
	endpointStop: "送信をやめる",
	endpointRetry: "もう一度試す",
	endpointOpen: "エンドポイントにある分類器の名前：",
	endpointName: (name) => `あなたの分類器は、エンドポイントでは${name}という名前です。`,
	endpointNoName: "エンドポイントには、まだあなたの分類器がありません。",
	endpointSign: (where) => `画像がこの端末から出ます。送信先：${where}`,
	endpointPaused: (where) => `${where}を使えないため、何も送らず、すべてこのタブで行っています。`,
	endpointMade: (where) => `${where}で学習しました。`,
	endpointTiming: (ms, where) => `1枚あたり${number(Math.round(ms))}ミリ秒（${where}で処理）`,
	taglineEndpoint: "数枚の例で教えられます。画像は、選んだエンドポイントに送られます。",
	endpointTroubles: {
		address: "エンドポイントのアドレスではありません。https://example.org のような形です。",
		plain: "httpsのアドレスでないと、途中で画像とトークンを他人に見られるおそれがあります。",
		offline: "ネットワークにつながっていません。つながったら、もう一度試してください。",
		policy: "このページの決まりにより、そのアドレスとは通信できません。ページの設置者が、コンテンツセキュリティポリシーのconnect-srcにアドレスを加える必要があります。エンドポイント自身からページを開く方法もあります。",
		origin: "エンドポイントが、このサイトのページからの利用を許可していません。エンドポイントの運用者が、このサイトをORIGINSに加える必要があります。",
		unreachable: "そのアドレスから応答がありません。アドレスとネットワークを確認して、もう一度試してください。",
		none: "そのアドレスにエンドポイントはありません。アドレスを確認してください。",
		token: "エンドポイントがこのトークンを認識できません。送信をやめて、受け取ったトークンを入力し直してください。",
		rate: "リクエストが多すぎます。1分ほどで自動的に再開します。",
		failed: "エンドポイントで障害が起きています。しばらくしてから、もう一度試してください。",
		model: "エンドポイントのモデルがこのページと異なるため、一方で学習したものをもう一方で使えません。両方で同じモデルを使ってください。",
		missing: "その名前の分類器は、エンドポイントにありません。",
		refused: "エンドポイントが受け付けませんでした。一度に送る量が多すぎた可能性があります。画像を減らして、もう一度試してください。",
	},
};
