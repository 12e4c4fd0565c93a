// Looking at the photo from nearer: by buttons, two fingers, or a wheel with Ctrl. What is looked at stays where it is.

import { useEffect, useLayoutEffect, useRef, useState } from "/web/vendor/preact.js";

const STEPS = [1, 1.5, 2, 3, 4];
const MOST = STEPS[STEPS.length - 1];
const WHEEL = 0.01;

/** @typedef {{ x: number, y: number }} Place */
/** @typedef {{ current: HTMLElement | null }} Ref */

/**
 * A place of the picture, in shares of it, that shall lie at a place of the window.
 *
 * @typedef {{ share: Place, client: Place }} Anchor
 */

/** @param {Touch} one @param {Touch} other */
const apart = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
/** @param {Touch} one @param {Touch} other @returns {Place} */
const between = (one, other) => ({ x: (one.clientX + other.clientX) / 2, y: (one.clientY + other.clientY) / 2 });

/**
 * @param {Ref} frame what scrolls
 * @param {Ref} picture what grows in it
 * @param {() => Place} middle the share of the picture that matters most: the first step of the buttons goes there
 * @param {() => void} onTwoFingers whatever one finger had begun is none of it
 */
export function useNearer(frame, picture, middle, onTwoFingers) {
  const [zoom, setZoom] = useState(1);
  const anchor = useRef(/** @type {Anchor | null} */ (null));
  const now = useRef({ zoom, onTwoFingers });
  now.current = { zoom, onTwoFingers };

  const shareAt = (/** @type {Place} */ client) => {
    const area = /** @type {HTMLElement} */ (picture.current).getBoundingClientRect();
    return { x: (client.x - area.left) / area.width, y: (client.y - area.top) / area.height };
  };
  const settle = () => {
    if (!anchor.current || !frame.current || !picture.current) return;
    const { share, client } = anchor.current;
    const area = picture.current.getBoundingClientRect();
    frame.current.scrollLeft += area.left + share.x * area.width - client.x;
    frame.current.scrollTop += area.top + share.y * area.height - client.y;
  };
  useLayoutEffect(settle, [zoom]);
  const zoomTo = (/** @type {number} */ wanted, /** @type {Anchor} */ at) => {
    const next = Math.max(1, Math.min(MOST, wanted));
    anchor.current = at;
    if (next === now.current.zoom) settle();
    else setZoom(next);
  };

  const nearer = (/** @type {number} */ by) => {
    const area = /** @type {HTMLElement} */ (frame.current).getBoundingClientRect();
    const client = { x: area.left + area.width / 2, y: area.top + area.height / 2 };
    const steps = by > 0 ? STEPS.filter((step) => step > zoom + 0.01) : STEPS.filter((step) => step < zoom - 0.01).reverse();
    zoomTo(steps[0] ?? zoom, { share: zoom === 1 ? middle() : shareAt(client), client });
  };

  useEffect(() => {
    const area = /** @type {HTMLElement} */ (frame.current);
    let grip = { distance: 0, zoom: 1, share: { x: 0, y: 0 } };
    const began = (/** @type {TouchEvent} */ event) => {
      if (event.touches.length !== 2) return;
      event.preventDefault();
      now.current.onTwoFingers();
      const [one, other] = event.touches;
      grip = { distance: Math.max(1, apart(one, other)), zoom: now.current.zoom, share: shareAt(between(one, other)) };
    };
    const went = (/** @type {TouchEvent} */ event) => {
      if (event.touches.length !== 2) return;
      event.preventDefault();
      const [one, other] = event.touches;
      zoomTo((grip.zoom * apart(one, other)) / grip.distance, { share: grip.share, client: between(one, other) });
    };
    const wheel = (/** @type {WheelEvent} */ event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const client = { x: event.clientX, y: event.clientY };
      zoomTo(now.current.zoom * Math.exp(-WHEEL * event.deltaY), { share: shareAt(client), client });
    };
    area.addEventListener("touchstart", began, { passive: false });
    area.addEventListener("touchmove", went, { passive: false });
    area.addEventListener("wheel", wheel, { passive: false });
    return () => {
      area.removeEventListener("touchstart", began);
      area.removeEventListener("touchmove", went);
      area.removeEventListener("wheel", wheel);
    };
  }, []);
  return { zoom, nearer, nearest: zoom >= MOST };
}
