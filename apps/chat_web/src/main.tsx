import { render } from "preact";
import { App } from "./ui/app";
import { resume } from "./ui/session";
import "./ui/styles/base.css";
import "./ui/styles/layout.css";
import "./ui/styles/list.css";
import "./ui/styles/conversation.css";
import "./ui/styles/forms.css";
import "./ui/styles/alerts.css";

resume();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
