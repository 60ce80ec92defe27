"use strict";
/*
 * Opens the data of a run (docs/report-data.md): tables become typed arrays, packed parts are
 * inflated, details on demand. Nothing else in the page knows how the island is packed.
 */
const Island = (() => {
  const VERSION = 1;
  const KINDS = ["group", "payload", "field", "note", "error"];
  const NEEDED = ["run", "nodes", "strings", "messages", "hops", "details"];

  function bytesOf(base64) {
    const text = atob(base64);
    const out = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
    return out;
  }

  async function inflate(base64) {
    const stream = new Blob([bytesOf(base64)]).stream();
    const plain = stream.pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(plain).arrayBuffer());
  }

  async function unpacked(base64) {
    return JSON.parse(new TextDecoder().decode(await inflate(base64)));
  }

  /* Sums of zigzag differences in groups of 7 bits. Times pass 2^31: no bit operators there. */
  function column(kind, rows, data) {
    const out = kind === "f" ? new Float64Array(rows) : new Int32Array(rows);
    let at = 0;
    let value = 0;
    for (let row = 0; row < rows; row++) {
      let number = 0;
      let scale = 1;
      let byte;
      do {
        byte = data[at++];
        number += (byte & 127) * scale;
        scale *= 128;
      } while (byte > 127);
      value += number % 2 === 0 ? number / 2 : -(number + 1) / 2;
      out[row] = value;
    }
    if (at !== data.length) throw new Error("a table of this page is not whole");
    return out;
  }

  async function table(packed) {
    const names = Object.keys(packed.columns);
    const columns = await Promise.all(names.map(async (name) => {
      const [kind, base64] = packed.columns[name];
      return column(kind, packed.rows, await inflate(base64));
    }));
    const out = {rows: packed.rows};
    names.forEach((name, i) => { out[name] = columns[i]; });
    return out;
  }

  function isTable(value) {
    return value !== null && typeof value === "object" && "columns" in value && "rows" in value;
  }

  function hexOf(bytes) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function valueOf(value, place, strings) {
    if (value === -1) return hexOf(place);
    if (value === -2) return String(place.reduce((sum, byte) => sum * 256 + byte, 0));
    return strings[value];
  }

  function node(raw, detail, strings, above) {
    const [kind, name, text, offset, length, value, meaning, rfc] = raw;
    const source = text === 0 ? detail.bytes : detail.texts[text - 1].bytes;
    const place = source.subarray(offset, offset + length);
    const out = {
      kind: KINDS[kind], name: strings[name], text, offset, length,
      value: valueOf(value, place, strings), meaning: strings[meaning],
      rfc: rfc === 0 ? above : strings[rfc],
    };
    out.children = raw.slice(8).map((child) => node(child, detail, strings, out.rfc));
    return out;
  }

  function triples(flat) {
    const out = [];
    for (let i = 0; i < flat.length; i += 3) {
      out.push({frame: flat[i], offset: flat[i + 1], length: flat[i + 2]});
    }
    return out;
  }

  function detailOf(raw, strings) {
    const [frame, flags, errors, bytes, texts, tree] = raw;
    const out = {
      frame, errors, locked: (flags & 1) !== 0, bad_icv: (flags & 2) !== 0, bytes: bytesOf(bytes),
      texts: texts.map(([text, from]) => ({bytes: bytesOf(text), from: triples(from)})),
    };
    out.tree = node(tree, out, strings, "");
    return out;
  }

  /* Chunks that were opened are kept: a reader goes to and fro. */
  function detailReader(details, strings) {
    const chunks = new Map();
    return async (index) => {
      if (index < 0 || index >= details.count) return null;
      const chunk = Math.floor(index / details.chunk);
      if (!chunks.has(chunk)) chunks.set(chunk, unpacked(details.chunks[chunk]));
      return detailOf((await chunks.get(chunk))[index % details.chunk], strings);
    };
  }

  function read(text) {
    let raw;
    try {
      raw = JSON.parse(text);
    } catch (error) {
      throw new Error(`The data of this page is not whole (${error.message}). ` +
                      "Make the report again: ikelab report RUNDIR");
    }
    if (raw === null || raw.version !== VERSION) {
      throw new Error(`The data of this page has version ${raw && raw.version}, it reads ` +
                      `${VERSION}. Make the report again: ikelab report RUNDIR`);
    }
    const missing = NEEDED.filter((name) => !(name in raw));
    if (missing.length > 0) {
      throw new Error(`The data of this page lacks ${missing.join(", ")}. ` +
                      "Make the report again: ikelab report RUNDIR");
    }
    if (typeof DecompressionStream === "undefined") {
      throw new Error("This browser cannot inflate the data of this page. " +
                      "Open it with Chromium 80, Firefox 113, Safari 16.4 or newer.");
    }
    return raw;
  }

  async function open(text) {
    const raw = read(text);
    const island = {};
    await Promise.all(Object.entries(raw).map(async ([name, value]) => {
      if (isTable(value)) island[name] = await table(value);
      else if (value !== null && typeof value === "object" && "packed" in value) {
        island[name] = await unpacked(value.packed);
      } else if (name !== "details") island[name] = value;
    }));
    island.text = (index) => island.strings[index];
    island.detail = detailReader(raw.details, raw.strings);
    island.details = raw.details.count;
    return island;
  }

  return {open};
})();

if (typeof module !== "undefined") module.exports = Island;
