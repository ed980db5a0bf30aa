/* live_world - what the hub has in a browser: real sockets, timers, chance. */
import type { Socket, World } from './live_hub';

export function browserWorld(location: Location): World {
    return {
        open() {
            const url = `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/api/v1/ws`;
            const ws = new WebSocket(url, 'sallyport.v1');
            const socket: Socket = { send: text => { if (ws.readyState === WebSocket.OPEN) ws.send(text); }, close: () => ws.close(),
                onopen: null, onmessage: null, onclose: null };
            ws.onopen = () => socket.onopen?.();
            ws.onmessage = e => socket.onmessage?.(String(e.data));
            ws.onclose = () => socket.onclose?.();
            return socket;
        },
        after(ms, act) {
            const timer = setTimeout(act, ms);
            return () => clearTimeout(timer);
        },
        random: Math.random,
    };
}
