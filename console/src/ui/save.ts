/* save - hands bytes to the person as a file. The name may come from outside: it becomes a plain one. */
export function plainName(name: string): string {
    return name.replace(/[^\w.@+-]+/g, '_').replace(/^\.+/, '').slice(0, 100) || 'file';
}

export function save(name: string, bytes: Blob): void {
    const url = URL.createObjectURL(bytes), link = document.createElement('a');
    link.href = url;
    link.download = plainName(name);
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
