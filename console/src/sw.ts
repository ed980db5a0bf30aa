/* sw - the service worker: keeps the hashed files of this version, and shows the shell when the server does not answer. It
 * keeps nothing that the server says: no page, no answer of the API. (The types of a worker are not among the page's.) */
interface Extendable { waitUntil(work: Promise<unknown>): void }
interface Fetching extends Extendable { request: Request; respondWith(answer: Promise<Response>): void }
interface Worker {
    location: Location;
    clients: { claim(): Promise<void> };
    skipWaiting(): Promise<void>;
    addEventListener(type: 'install' | 'activate', on: (e: Extendable) => void): void;
    addEventListener(type: 'fetch', on: (e: Fetching) => void): void;
}
const worker = self as unknown as Worker;
const mine = `assets ${SHELL}`;

worker.addEventListener('install', e => e.waitUntil(
    caches.open(mine).then(cache => cache.addAll(PRECACHE)).then(() => worker.skipWaiting())));

/* Files of older versions go; a page of one that is still open asks the server for what it has not loaded yet. */
worker.addEventListener('activate', e => e.waitUntil(
    caches.keys().then(names => Promise.all(names.filter(name => name !== mine).map(name => caches.delete(name))))
        .then(() => worker.clients.claim())));

async function asset(request: Request): Promise<Response> {
    const cache = await caches.open(mine), kept = await cache.match(request);
    if (kept)
        return kept;
    const answer = await fetch(request);
    if (answer.ok)
        await cache.put(request, answer.clone());
    return answer;
}

async function page(request: Request): Promise<Response> {
    try {
        return await fetch(request);
    } catch {
        return await (await caches.open(mine)).match(SHELL) ?? Response.error();
    }
}

worker.addEventListener('fetch', e => {
    const url = new URL(e.request.url);
    if (e.request.method !== 'GET' || url.origin !== worker.location.origin)
        return;
    if (url.pathname.startsWith('/assets/'))
        e.respondWith(asset(e.request));
    else if (e.request.mode === 'navigate' && !url.pathname.startsWith('/api/'))
        e.respondWith(page(e.request));
});
export {};
