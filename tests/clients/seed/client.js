class CallAnnotateClient {
  constructor(jobId) {
    this.jobId = jobId;
    this.socket = null;
    this.reconnectAttempts = 0;
    this.maxReconnectAttempts = 5;
  }

  connect() {
    this.socket = new WebSocket(`ws://localhost:8000/ws/${this.jobId}`);
    
    this.socket.onopen = () => {
      console.log('Connected to CallAnnotate');
      this.reconnectAttempts = 0;
      this.startHeartbeat();
    };

    this.socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      this.handleMessage(message);
    };

    this.socket.onclose = () => {
      console.log('Disconnected from CallAnnotate');
      this.stopHeartbeat();
      this.attemptReconnect();
    };

    this.socket.onerror = (error) => {
      console.error('WebSocket error:', error);
    };
  }

  handleMessage(message) {
    switch (message.type) {
      case 'status_update':
        this.onProgress(message.progress);
        break;
      case 'result':
        this.onComplete(message.result);
        break;
      case 'error':
        this.onError(message.error);
        break;
      case 'pong':
        // Heartbeat response
        break;
    }
  }

  startHeartbeat() {
    this.heartbeatInterval = setInterval(() => {
      if (this.socket.readyState === WebSocket.OPEN) {
        this.socket.send(JSON.stringify({
          type: 'ping',
          timestamp: new Date().toISOString()
        }));
      }
    }, 30000);
  }

  onProgress(progress) {
    console.log(`Progress: ${progress.percentage}% - ${progress.current_stage}`);
  }

  onComplete(result) {
    console.log('Processing completed:', result);
    this.socket.close();
  }

  onError(error) {
    console.error('Processing error:', error);
  }
}
