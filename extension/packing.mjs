// A bundle too large to be carried by every widget is carried packed: gzip as base64 in a module that unpacks and imports itself.
// A page unpacks it once, however many widgets carry it, and only when it draws: anywidget gives a model two seconds to begin.
// Browsers have had DecompressionStream since 2023, and anywidget imports its modules from blobs, too.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

/** Pack a bundle in its place; returns its new size in bytes. */
export async function pack(path) {
  const packed = gzipSync(await readFile(path), { level: 9 }).toString("base64");
  const name = createHash("sha256").update(packed).digest("hex").slice(0, 16);
  const module = `const p="${packed}",k="${name}",r=globalThis.__wflab??=new Map();
async function f(){const t=await new Response(new Blob([Uint8Array.from(atob(p),c=>c.charCodeAt(0))]).stream().pipeThrough(new DecompressionStream("gzip"))).blob();const u=URL.createObjectURL(new Blob([t],{type:"text/javascript"}));try{return(await import(u)).default}finally{URL.revokeObjectURL(u)}}
export default{async render(a){if(!r.has(k))r.set(k,f().catch(e=>{r.delete(k);throw e}));return(await r.get(k)).render(a)}};
`;
  await writeFile(path, module);
  return module.length;
}
