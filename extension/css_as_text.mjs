// An esbuild plugin: a style sheet is imported as its minified text.
import { readFile } from "node:fs/promises";
import { transform } from "esbuild";

export const cssAsText = {
  name: "css-as-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};
