// The digest of a learner's code, by which the history tells one version from another.

/** SHA-256 of the code as the file would hold it; FNV-1a where browsers offer no SHA-256, in a page that is not secure. @param {string} code */
export async function codeDigest(code) {
  const bytes = new TextEncoder().encode(code);
  const hash = crypto.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) : fnv(bytes);
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** FNV-1a, four times over with different starts. @param {Uint8Array} bytes */
function fnv(bytes) {
  const words = new Uint32Array(4);
  for (let at = 0; at < 4; at += 1) {
    let hash = 0x811c9dc5 + at;
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
    words[at] = hash;
  }
  return new Uint8Array(words.buffer);
}
