/* draft - a policy that somebody writes and that is not saved: kept while one looks at other pages. */
import { signal } from '@preact/signals';

export interface Draft {
    text: string;
    /* The version it was made from, and its text. */
    base: number;
    baseText: string;
    note: string;
}

export const draft = signal<Draft | null>(null);
