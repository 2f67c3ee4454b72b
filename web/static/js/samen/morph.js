// @ts-check
/**
 * Makes a part of the page like a fresh one, and keeps what is the same: a button that somebody is about to press, a
 * list that is open, what is being typed.  Elements are known by data-key or id, others by their place.  What has
 * data-keep stays as it is, for as long as the fresh part has it too.
 */

/** @param {Node} node */
function keyOf(node) {
  return node instanceof Element ? node.getAttribute("data-key") || node.id : "";
}

/**
 * @param {Node} a
 * @param {Node} b
 */
function alike(a, b) {
  return a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}

/**
 * What a person changed since is his: whether a list is open, what stands in a field, and that a heading has the focus.
 * @param {Element} old
 * @param {Element} fresh
 */
function morphAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    const his = name === "open" ? old instanceof HTMLDetailsElement : name === "tabindex" && old === document.activeElement;
    if (!fresh.hasAttribute(name) && !his) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

/**
 * @param {Node} old
 * @param {Node} fresh of another document
 */
export function morph(old, fresh) {
  if (!(old instanceof Element) || !(fresh instanceof Element)) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  const kept = old.getAttribute("data-keep") !== null;
  if (!kept) morphAttributes(old, fresh);
  if (!kept && !(old instanceof HTMLTextAreaElement)) morphChildren(old, fresh);
}

/**
 * The next one without a key that is like another.  Text is not looked for: between any two elements stands some, and
 * what is skipped is taken away.  Nor is anything behind an element whose own turn comes still.
 * @param {ChildNode | null} at
 * @param {Node} like
 * @param {Set<string>} later keys
 */
function next(at, like, later) {
  while (at && !alike(at, like)) {
    if (!(like instanceof Element) || later.has(keyOf(at))) return null;
    at = at.nextSibling;
  }
  return at;
}

/**
 * Whether only what is gone stands before a node: then it need not be moved, which would take the focus from it.
 * @param {ChildNode | null} at
 * @param {ChildNode} until
 * @param {Set<string>} later
 */
function reaches(at, until, later) {
  while (at && at !== until && !later.has(keyOf(at))) at = at.nextSibling;
  return at === until;
}

/**
 * Take away what stands before a node.
 * @param {ChildNode | null} at
 * @param {ChildNode} until
 */
function without(at, until) {
  while (at && at !== until) {
    const after = at.nextSibling;
    at.remove();
    at = after;
  }
  return at;
}

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function morphChildren(old, fresh) {
  /** @type {Map<string, ChildNode>} */
  const known = new Map();
  for (const child of old.children) if (keyOf(child)) known.set(keyOf(child), child);
  const later = new Set([...fresh.children].map(keyOf).filter(Boolean));
  let at = old.firstChild;
  for (const child of fresh.childNodes) {
    const key = keyOf(child);
    const same = key ? known.get(key) : next(at, child, later);
    later.delete(key);
    if (!same || !alike(same, child)) {
      old.insertBefore(document.importNode(child, true), at);
      continue;
    }
    if (reaches(at, same, later)) at = without(at, same);
    if (same === at) at = same.nextSibling;
    else old.insertBefore(same, at);
    morph(same, child);
  }
  while (at) {
    const after = at.nextSibling;
    at.remove();
    at = after;
  }
}
