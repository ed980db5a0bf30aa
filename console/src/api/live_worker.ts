/* live_worker - the hub in a SharedWorker: one connection for all pages of this origin in a browser. */
import { Hub } from './live_hub';
import { browserWorld } from './live_world';
import { serve, type Port } from './live_port';

interface Scope {
    location: Location;
    onconnect: ((e: { ports: Port[] }) => void) | null;
    addEventListener(type: 'online', on: () => void): void;
}
const scope = self as unknown as Scope;
const ports = new Set<Port>();
const hub = new Hub(browserWorld(scope.location), state => {
    for (const port of ports)
        port.postMessage({ what: 'state', state });
});
scope.addEventListener('online', () => hub.nudge());
scope.onconnect = e => {
    const port = e.ports[0]!;
    serve(hub, port, here => here ? ports.add(port) : ports.delete(port));
};
