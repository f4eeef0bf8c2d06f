import * as ort from "./ort.js";
import { offer } from "./rpc.js";

offer({ ...ort });
