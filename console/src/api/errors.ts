/* errors - what went wrong with a request, in one type: code, message and trace id as the server said them. */
import type { ErrorBody } from './types';

/* `offline`: no answer came, and nothing is known of what became of the request; its method is the message. `bad_answer`: it was not the server that
 * answered. All others are the server's own codes. */
export type Code = ErrorBody['code'] | 'offline' | 'bad_answer';

export class ApiError extends Error {
    readonly code: Code;
    readonly status: number;
    readonly details: ErrorBody['details'];
    readonly traceId: string | null;

    constructor(code: Code, message: string, status = 0, details: ErrorBody['details'] = {}, traceId: string | null = null) {
        super(message);
        this.code = code;
        this.status = status;
        this.details = details;
        this.traceId = traceId;
    }

    /* The request may have been carried out, or may be when sent again: the same key must go with it. */
    get isUnsure(): boolean {
        return this.status === 0 || this.status >= 500 || this.status === 429;
    }
}

/* Of the text of an answer that was no success. */
export function errorOf(status: number, text: string): ApiError {
    try {
        const { error } = JSON.parse(text) as { error: ErrorBody };
        return new ApiError(error.code, error.message, status, error.details ?? {}, error.trace_id);
    } catch {
        return new ApiError('bad_answer', text.slice(0, 200), status);
    }
}

export function asError(e: unknown): ApiError {
    return e instanceof ApiError ? e : new ApiError('bad_answer', e instanceof Error ? e.message : String(e));
}
