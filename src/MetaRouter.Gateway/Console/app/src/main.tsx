import { render } from "preact";
import { App } from "./app";
import "./style.css";
import { followMachine } from "./theme";

followMachine();
render(<App />, document.getElementById("app")!);
