// What the page says of an endpoint, in English.

import { formats } from "./format.js";

/** @import { Trouble } from "../endpoint.js" */

const { number } = formats("en");

export const endpoint = {
	endpointTitle: "Another computer",
	endpointHint: "Learning and classifying can be done by an endpoint, a server that runs haguruma, instead of this tab. It says the same, and what was learnt in one place works in the other.",
	endpointLeaves: "Your pictures then leave this device: the small square that the model sees of each example and of each file, what you draw and what the camera sees while it answers, and the names of the classes go to the address below. The endpoint keeps what was learnt from them, not the pictures.",
	endpointAddress: "Address; empty: this site",
	endpointToken: "Token",
	endpointKeep: "Keep the token on this device. Otherwise it is gone when the tab is closed.",
	endpointUse: "Use it: pictures may leave this device",
	endpointStop: "Stop sending",
	endpointRetry: "Try again",
	endpointOpen: "Name of a classifier that is there:",
	/** @param {string} name */
	endpointName: (name) => `Your classifier is called ${name} there.`,
	endpointNoName: "Nothing of yours is there yet.",
	/** @param {string} where */
	endpointSign: (where) => `Pictures leave this device: they are sent to ${where}.`,
	/** @param {string} where */
	endpointPaused: (where) => `${where} cannot be used, so nothing is sent and this tab does it all.`,
	/** @param {string} where */
	endpointMade: (where) => `Learnt at ${where}.`,
	/** @param {number} ms @param {string} where */
	endpointTiming: (ms, where) => `${number(Math.round(ms))} ms a picture, by ${where}`,
	taglineEndpoint: "Teach it with a few examples. Pictures go to the endpoint that you chose.",
	/** @type {Record<Trouble, string>} why it cannot be used, and what to do */
	endpointTroubles: {
		address: "This is not the address of an endpoint. It looks like https://example.org.",
		plain: "Only an address with https keeps pictures and token from others on the way.",
		offline: "There is no network. Try again when there is.",
		policy: "The rules of this page forbid it to speak to that address. Whoever hosts the page has to add the address to connect-src of its content security policy; or open the page from the endpoint itself.",
		origin: "The endpoint does not let pages of this site call. Whoever runs it has to add this site to its ORIGINS.",
		unreachable: "Nothing answers at that address. Check the address and the network, then try again.",
		none: "There is no endpoint at that address. Check the address.",
		token: "The endpoint does not know this token. Stop, and enter the one that you were given.",
		rate: "There were too many requests. It goes on by itself in a minute.",
		failed: "The endpoint has a fault. Try again in a moment.",
		model: "The endpoint has another model than this page, so what one learns would not work in the other. Use the same model in both.",
		missing: "The endpoint has no classifier of that name.",
		refused: "The endpoint did not take what it was sent: perhaps it was too much at once. Try again with fewer pictures.",
	},
};
