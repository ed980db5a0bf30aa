/* slices - long work in the page, in pieces short enough that scrolling and typing never wait for them. */

/* ms that one piece may take before it lets the browser do something else. What is done between two calls of breathe()
 * should be much shorter. */
export const SLICE_MS = 6;

interface Scheduler {
    yield?: () => Promise<void>;
}

function pause(): Promise<void> {
    const scheduler = (globalThis as { scheduler?: Scheduler }).scheduler;
    if (scheduler?.yield)
        return scheduler.yield();
    return new Promise(done => {
        /* Not setTimeout: that waits 4 ms each time, and a second in a background tab. */
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
            channel.port1.close();
            done();
        };
        channel.port2.postMessage(0);
    });
}

/* What all the work of this page has used of the present piece: two at once get no more than one. */
let began = 0;

export async function breathe(): Promise<void> {
    if (performance.now() - began < SLICE_MS)
        return;
    await pause();
    began = performance.now();
}

/* Call it when work begins after a wait (an answer came): the time of waiting is no work. */
export function fresh(): void {
    began = performance.now();
}
